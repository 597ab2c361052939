#include "tuner/cli/follow_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "tuner/cli/command.h"
#include "tuner/cli/database.h"
#include "tuner/cli/defaults.h"
#include "tuner/cli/input_file.h"
#include "tuner/cli/resume.h"
#include "tuner/cli/setting_lists.h"
#include "tuner/deploy/follow.h"
#include "tuner/deploy/stale.h"
#include "tuner/search/conclude.h"

namespace batchtune {
namespace {

// An extension looks no further than this many times the largest batch that was measured: it rules
// batches out only behind a peak. As many batches as --batches may list; beyond, none is left out.
constexpr std::int64_t kBeyondMeasured = 4;
constexpr std::int64_t kMostListed = 4096;
constexpr char kSweep[] = "exhaustive";  // the strategy that visits each batch of its list

// The session that is followed, with the request that is made of it now.
struct Earlier {
  std::string option;  // "--track 12"
  SessionRecord record;
  Conclusion conclusion;
  Model model;
  TuningOptions options;  // its own, and over them what is typed now
};

std::string shown_session(const SessionHeader& header) {
  return fmt::format("session {}", header.number);
}

Status check_model(const SessionHeader& header, const Model& model, const std::string& option) {
  const auto describe = [](const std::string& name, const std::string& hash) {
    return fmt::format("{} ({})", name, hash);
  };
  const std::string hash = model_hash(model);
  if (header.model.hash == hash) return {};
  return bad_input(
      fmt::format("the model of {}: {}", shown_session(header),
                  describe(header.model.name, header.model.hash)),
      describe(model.name, hash), option,
      "Start a new session, or leave MODEL out to go on with the graph that is stored with it");
}

Status check_backends(const SessionHeader& header, const TuningOptions& now,
                      const std::string& option) {
  if (now.backends.empty()) return {};
  BT_TRY(then, parse_tuning(options_from(header.settings.requested)));
  BT_TRY(asked, parse_tuning(now));
  const std::vector<std::string> known = backends_of(then);
  if (std::set(known.begin(), known.end()) ==
      std::set(asked.backends.begin(), asked.backends.end()))
    return {};
  return bad_input(fmt::format("the backends of {}: {}", shown_session(header), fmt::join(known, ", ")),
                   fmt::format("{}", fmt::join(asked.backends, ", ")), option,
                   "Start a new session, or leave --backend out");
}

Result<Earlier> load_earlier(const Store& store, const std::string& which, const char* option,
                             const TuningOptions& now, const std::optional<Model>& given) {
  BT_TRY(record, load_session(store, which));
  Earlier earlier;
  earlier.option = fmt::format("{} {}", option, record.header.number);
  if (given) BT_TRY_VOID(check_model(record.header, *given, earlier.option));
  BT_TRY_VOID(check_backends(record.header, now, earlier.option));
  BT_TRY(model, given ? Result<Model>(*given) : stored_model(record.header));
  earlier.model = std::move(model);
  earlier.options = options_over(options_from(record.header.settings.requested), now);
  earlier.options.stop.clear();  // of `measure`
  if (!earlier.options.compiled_batch.empty()) earlier.options.user_batches.clear();
  earlier.options.compiled_batch.clear();
  earlier.options.user_batch.clear();
  if (now.strategy == kSweep && now.max_batches.empty())
    earlier.options.max_batches.clear();  // of strategies that choose
  if (now.strategy == kSweep && now.max_compiles.empty()) earlier.options.max_compiles.clear();
  earlier.conclusion = conclude(record, record.header.wishes);
  const auto& trials = earlier.conclusion.trials;
  if (std::none_of(trials.begin(), trials.end(),
                   [](const Trial& trial) { return trial.measurement.has_value(); }))
    return bad_input("a session that measured something",
                     fmt::format("{} without a measured batch", shown_session(record.header)),
                     earlier.option, "Start a new session");
  earlier.record = std::move(record);
  return earlier;
}

Status check_devices(const SessionHeader& then, const SessionHeader& now,
                     const std::string& option) {
  for (const DeviceInfo& device : now.devices)
    for (const DeviceInfo& known : then.devices)
      if (known.backend == device.backend && known.name != device.name)
        return bad_input(fmt::format("the device of {}: {}", shown_session(then), known.name),
                         device.name, option, "Start a new session on this device");
  return {};
}

Status check_fresh(const SessionHeader& then, const SessionHeader& now, const std::string& option) {
  if (const std::string changed = other_input(then, now); !changed.empty())
    return bad_input(fmt::format("the samples of {}", shown_session(then)), changed, option,
                     "What it ruled out may not hold for others: start a new session");
  for (const DeviceInfo& device : now.devices) {
    const Staleness staleness = staleness_of(then, device.backend,
                                             {.environment = now.environment,
                                              .model_hash = now.model.hash,
                                              .device = device,
                                              .device_failure = ""});
    if (!staleness.reasons.empty())
      return bad_input(fmt::format("the machine and the code of {}", shown_session(then)),
                       fmt::format("{}", fmt::join(staleness.reasons, "; ")), option,
                       "What it ruled out may not hold any more: start a new session");
  }
  return {};
}

// The task with these settings said to come from the option, and the link to the session.
Result<TuneTask> task_of(Earlier earlier, const std::vector<std::string>& derived,
                         const char* link) {
  BT_TRY(request, parse_tuning(earlier.options));
  TuneTask task;
  task.model = std::move(earlier.model);
  task.request = std::move(request);
  for (const std::string& name : derived) task.origins[name] = earlier.option;
  for (const Setting& setting : earlier.record.header.settings.requested)
    if (setting.name == "model") task.links.push_back(setting);
  task.links.push_back({link, earlier.record.header.uuid, earlier.option});
  task.before_start = [header = std::move(earlier.record.header), option = earlier.option,
                       link](const SessionHeader& now) -> Status {
    BT_TRY_VOID(check_devices(header, now, option));
    return std::string_view(link) == "extend" ? check_fresh(header, now, option) : Status{};
  };
  return task;
}

// Whether groups are asked for that the session may not have had.
bool asks_other_groups(const Earlier& earlier, const TuningOptions& now) {
  TuningOptions axes;
  axes.dtypes = now.dtypes;
  axes.threads = now.threads;
  axes.instances = now.instances;
  axes.isa = now.isa;
  axes.equal_settings = now.equal_settings;
  return !changed_settings(earlier.record.header.settings.requested, given_settings(axes)).empty();
}

std::vector<RuledOut> ruled_out_by(const Earlier& earlier) {
  std::vector<CandidateGroup> groups;
  for (const Estimate& estimate : earlier.record.header.estimates) groups.push_back(estimate.group);
  return ruled_out(earlier.conclusion, groups);
}

}  // namespace

Result<TuneTask> extend_session(const Store& store, const std::string& which,
                                const TuningOptions& now, const std::optional<Model>& model) {
  BT_TRY(earlier, load_earlier(store, which, "--extend", now, model));
  const auto whole = [&](const std::string& why) {
    say(fmt::format("nothing is left out: {}", why));
    return task_of(std::move(earlier), {}, "extend");
  };
  const std::string name = shown_session(earlier.record.header);
  if (asks_other_groups(earlier, now))
    return whole(name + " had other data types, threads or instances");
  const std::vector<RuledOut> out = ruled_out_by(earlier);
  std::int64_t largest = 0;
  for (const Trial& trial : earlier.conclusion.trials)
    if (trial.measurement) largest = std::max(largest, kBeyondMeasured * trial.candidate.batch);
  BT_TRY(asked, earlier.options.batches.empty() ? Result<std::vector<std::int64_t>>()
                                                : parse_batches(earlier.options.batches));
  if (out.empty()) return whole(name + " has ruled nothing out");
  if (asked.empty() && largest > kMostListed)
    return whole(
        fmt::format("{} went so far that more than {} batches would be listed", name, kMostListed));
  earlier.options.batches = batches_without(out, asked, largest);
  if (earlier.options.batches.empty())
    return bad_input("a batch that is missing",
                     fmt::format("none: {} has ruled out all that are asked for", name),
                     earlier.option, "Give other --batches, data types, threads or instances");
  std::string words;
  for (const RuledOut& one : out)
    words += fmt::format("{}{} ({})", words.empty() ? "" : ", ", one.batch, one.why);
  if (asked.empty())
    words += fmt::format(" and all above {} ({} times the largest that was measured)", largest,
                         kBeyondMeasured);
  say(fmt::format("{} has ruled out and this one leaves out: {}", name, words));
  const Setting left_out{"left_out", words, earlier.option};
  BT_TRY(task, task_of(std::move(earlier), {"batches"}, "extend"));
  task.links.push_back(left_out);
  return task;
}

Result<TuneTask> track_session(const Store& store, const std::string& which,
                               const TuningOptions& now, const std::optional<Model>& model) {
  BT_TRY(earlier, load_earlier(store, which, "--track", now, model));
  if (!now.strategy.empty() && now.strategy != kSweep)
    return bad_input("--track, which visits each of its batches", "--strategy " + now.strategy,
                     "--strategy", "Leave one of the two out");
  BT_TRY(further,
         now.batches.empty() ? Result<std::vector<std::int64_t>>() : parse_batches(now.batches));
  const auto tracked = tracked_batches(earlier.conclusion);
  if (tracked.empty())
    return bad_input("a session with a front or a choice to track",
                     fmt::format("{}, where no measured batch keeps the memory limit",
                                 shown_session(earlier.record.header)),
                     earlier.option, "Start a new session");
  std::set<std::int64_t> batches(tracked.begin(), tracked.end());
  batches.insert(further.begin(), further.end());
  earlier.options.batches = fmt::format("{}", fmt::join(batches, ","));
  earlier.options.strategy = kSweep;
  earlier.options.max_batches.clear();  // of strategies that choose
  earlier.options.max_compiles.clear();
  return task_of(std::move(earlier), {"batches", "strategy"}, "track");
}

}  // namespace batchtune
