// batchtune points: the current deployment point of each model on each device, its cost, its age,
// and whether model, device, runtime, CPUs or tool have changed since.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "reports/points_report.h"
#include "tuner/backend/backend_list.h"
#include "tuner/cli/command.h"
#include "tuner/cli/database.h"
#include "tuner/cli/devices.h"
#include "tuner/cli/host.h"
#include "tuner/cli/report_output.h"
#include "tuner/cli/runtimes.h"
#include "tuner/cli/timestamp.h"
#include "tuner/core/user_batches.h"
#include "tuner/deploy/points.h"
#include "tuner/deploy/stale.h"
#include "tuner/measure/queries.h"
#include "tuner/search/conclude.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/zoo.h"

namespace batchtune {
namespace {

struct PointsOptions {
  std::vector<std::string> models, prices;
  std::string database;
  OutputOptions output;
};

// Per hour, by backend (with or without its parameters) or device; "": of any other.
using Prices = std::map<std::string, double>;

Result<Prices> parse_prices(const std::vector<std::string>& texts) {
  Prices prices;
  for (const std::string& text : texts) {
    const std::size_t equals = text.rfind('=');
    const std::string device = equals == std::string::npos ? "" : text.substr(0, equals);
    TuningOptions price;
    price.prices = {equals == std::string::npos ? text : text.substr(equals + 1)};
    BT_TRY(request, parse_tuning(price));
    if (!prices.emplace(device, request.prices.begin()->second).second)
      return bad_input("one price for each device", "'" + text + "' beside another", "--price");
  }
  return prices;
}

// Which names of `prices` were used, so that a typing error does not go unnoticed.
void add_price(DeploymentPoint& point, const Prices& prices, std::vector<std::string>& used) {
  const std::string backend = point.backend.substr(0, point.backend.find(':'));
  for (const std::string& name : {point.backend, backend, point.device, std::string()}) {
    const auto found = prices.find(name);
    if (found == prices.end()) continue;
    used.push_back(name);
    point.price = found->second;
    if (point.trial && point.trial->measurement)
      point.cost =
          price_of_million(found->second, point.trial->measurement->throughput_undisturbed *
                                              useful_share(point.wishes.user_batches, point.trial->candidate.batch));
    return;
  }
}

Status check_prices(const Prices& prices, const std::vector<std::string>& used,
                    const std::vector<DeploymentPoint>& points) {
  if (points.empty()) return {};  // the report says so
  std::string known;
  for (const DeploymentPoint& point : points)
    for (const std::string& name : {point.backend, point.device})
      if (known.find(name) == std::string::npos) known += (known.empty() ? "" : "; ") + name;
  for (const auto& [name, price] : prices)
    if (!name.empty() && std::find(used.begin(), used.end(), name) == used.end())
      return bad_input("a backend or device of a point: " + known, "'" + name + "'", "--price");
  return {};
}

// The models of --model: by name, and the hash of those that were given as a file.
struct Wanted {
  std::string name;
  std::optional<std::string> hash;
};

Result<std::vector<Wanted>> wanted_models(const std::vector<std::string>& texts) {
  std::vector<Wanted> wanted;
  for (const std::string& text : texts) {
    if (!is_model_path(text)) {
      wanted.push_back({text, std::nullopt});
      continue;
    }
    BT_TRY(model, load_model(text));
    wanted.push_back({model.name, model_hash(model)});
  }
  return wanted;
}

// "bert-large" is also "bert-large@seq=384".
const Wanted* find_wanted(const std::vector<Wanted>& wanted, const std::string& model) {
  for (const Wanted& one : wanted)
    if (model == one.name || model.starts_with(one.name + "@")) return &one;
  return nullptr;
}

bool names_command(const SessionHeader& header) {
  return std::any_of(header.settings.requested.begin(), header.settings.requested.end(),
                     [](const Setting& setting) {
                       return setting.name == "backend" &&
                              split_backend_spec(to_string(setting.value)).name == "command";
                     });
}

// What the session's model is now; nullopt where that cannot be told: it came from a file that is
// gone, or from an older version that did not say.
std::optional<std::string> present_hash(const SessionHeader& header, const Wanted* wanted) {
  if (wanted && wanted->hash) return wanted->hash;
  std::string source = header.model.name;
  for (const Setting& setting : header.settings.requested)
    if (setting.name == "model") source = to_string(setting.value);
  if (names_command(header) && !is_model_path(source) && find_zoo_entry(source) == nullptr)
    return header.model.hash;  // a name for what its command runs: it is as it was
  const auto model = load_model(source);
  return model ? std::optional(model_hash(*model)) : std::nullopt;
}

// With what other options said of it (--command, --runtime-library).
std::string whole_spec(const SessionHeader& header, const std::string& backend) {
  const auto request = parse_tuning(options_from(header.settings.requested));
  if (request)
    for (const std::string& spec : request->backends)
      if (split_backend_spec(spec).name == split_backend_spec(backend).name) return spec;
  return backend;
}

// What is here now, each backend asked once.
class Here {
 public:
  Present of(const SessionHeader& header, const std::string& spec, const Wanted* wanted) {
    hand_down_library(spec);
    auto known = devices_.find(spec);
    if (known == devices_.end()) known = devices_.emplace(spec, describe_backend(spec)).first;
    Present present{environment_, present_hash(header, wanted), std::nullopt, ""};
    if (known->second)
      present.device = named_here(*known->second, spec);
    else
      present.device_failure = to_string(known->second.error());
    return present;
  }

 private:
  Environment environment_ = environment_snapshot();
  std::map<std::string, Result<DeviceInfo>> devices_;
};

Result<std::vector<DeploymentPoint>> find_points(const Store& store,
                                                 const std::vector<Wanted>& wanted) {
  BT_TRY(finished, store.finished_tunes());
  std::erase_if(finished, [&](const SessionHeader& header) {
    return !wanted.empty() && find_wanted(wanted, header.model.name) == nullptr;
  });
  const std::time_t now = std::time(nullptr);
  Here here;
  std::vector<DeploymentPoint> points;
  std::optional<TuneReport> report;  // several points of one session follow each other at times
  for (const Current& current : current_points(finished)) {
    if (!report || report->record.header.number != current.session) {
      BT_TRY(record, store.load_session(current.session));
      report = TuneReport{std::move(record), {}};
      report->conclusion = conclude(report->record, report->record.header.wishes);
    }
    const SessionHeader& header = report->record.header;
    DeploymentPoint& point =
        points.emplace_back(point_of(report->record, report->conclusion, current.backend));
    if (const auto then = parse_utc(header.started_at))
      point.age = std::max(0.0, std::difftime(now, *then));
    Staleness staleness =
        staleness_of(header, current.backend,
                     here.of(header, whole_spec(header, point.backend),
                             find_wanted(wanted, header.model.name)));
    point.stale = std::move(staleness.reasons);
    point.unchecked = std::move(staleness.unchecked);
  }
  return points;
}

Result<int> run_points(const PointsOptions& options) {
  BT_TRY(format, parse_format(options.output));
  BT_TRY(prices, parse_prices(options.prices));
  BT_TRY(wanted, wanted_models(options.models));
  BT_TRY(store, open_database_read_only(options.database));
  BT_TRY(points, find_points(*store, wanted));
  for (const Wanted& one : wanted)
    if (std::none_of(points.begin(), points.end(), [&](const DeploymentPoint& point) {
          return find_wanted({one}, point.model) != nullptr;
        }))
      return bad_input("a model with a finished session", "'" + one.name + "'", "--model",
                       "batchtune list sessions shows what there is");
  std::vector<std::string> used;
  for (DeploymentPoint& point : points) add_price(point, prices, used);
  BT_TRY_VOID(check_prices(prices, used, points));
  BT_TRY_VOID(print_result(format == Format::json  ? json_points(points)
                           : format == Format::csv ? csv_points(points)
                                                   : text_points(points, text_options())));
  return kDone;
}

}  // namespace

void add_points_command(Arguments& arguments) {
  auto options = std::make_shared<PointsOptions>();
  arguments.repeated("--model", options->models,
                     "of this model alone: a name, or its file, which is held against the "
                     "sessions; may be repeated");
  arguments.repeated("--price", options->prices,
                     "DEVICE=PRICE, such as cpu=0.5/h, or a price of any other device; DEVICE is "
                     "a backend or the name of a device; may be repeated");
  add_database_option(arguments, options->database);
  add_format_option(arguments, options->output);
  arguments.run([options] { return run_points(*options); });
}

}  // namespace batchtune
