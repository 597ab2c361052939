// batchtune backend-check NAME: whether a backend, built in or a plugin, keeps the contract.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "reports/check_report.h"
#include "tuner/backend/backend_list.h"
#include "tuner/cli/backend_check.h"
#include "tuner/cli/command.h"
#include "tuner/cli/defaults.h"
#include "tuner/cli/host.h"
#include "tuner/cli/report_output.h"
#include "tuner/measure/queries.h"
#include "tuner/workload/model_file.h"

namespace batchtune {
namespace {

constexpr Seconds kTimeout = 60;

struct BackendCheckOptions {
  std::string backend;
  std::string model = "mlp@width=256";  // small, and what any plugin of a few lines can run
  std::string rules;
  TuningOptions tuning;  // data type, threads, and what is said of a command or a runtime
  OutputOptions output;
};

Result<std::vector<std::string>> rules_of(const std::string& text) {
  std::vector<std::string> names;
  std::string known;
  for (const conformance::Rule& rule : conformance::rules())
    known += (known.empty() ? "" : ", ") + std::string(rule.name);
  for (std::size_t begin = 0; !text.empty() && begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    names.push_back(text.substr(begin, end - begin));
    if (conformance::find_rule(names.back()) == nullptr)
      return bad_input("rules: " + known, "'" + names.back() + "'", "--rule");
    begin = end + 1;
  }
  return names;
}

Result<TuningRequest> request_of(const BackendCheckOptions& options) {
  TuningOptions typed = options.tuning;
  typed.backends = {options.backend};
  BT_TRY(request, parse_tuning(typed));
  for (const auto& [count, what, where] :
       {std::tuple{request.backends.size(), "one backend", "NAME"},
        std::tuple{std::max<std::size_t>(1, request.dtypes.size()), "one data type", "--dtype"},
        std::tuple{std::max<std::size_t>(1, request.threads.size()), "one number of threads",
                   "--threads"}})
    if (count != 1) return bad_input(what, std::to_string(count) + " of them", where);
  return request;
}

RuleVerdict shown(const CheckedRule& checked) {
  return {checked.rule->name, checked.rule->demand, std::string(name_of(checked.finding.verdict)),
          checked.finding.seen, checked.seconds};
}

bool any_failed(const std::vector<CheckedRule>& rules) {
  return std::any_of(rules.begin(), rules.end(), [](const CheckedRule& checked) {
    return checked.finding.verdict == conformance::Verdict::failed;
  });
}

Result<int> run_backend_check(const BackendCheckOptions& options) {
  BT_TRY(format, parse_format(options.output));
  if (format == Format::csv) return bad_input("--format text or json", "csv", "--format");
  BT_TRY(only, rules_of(options.rules));
  BT_TRY(request, request_of(options));
  BT_TRY(model, load_model(options.model));
  const auto [name, parameters] = split_backend_spec(request.backends.front());

  CheckSubject subject;
  subject.spec = request.backends.front();
  subject.model_json = write_model(model);
  subject.options.group = {name, request.dtypes.empty() ? DType::f32 : request.dtypes.front(),
                           request.threads.empty() ? cpu_share().usable : request.threads.front(),
                           1, model.dims};
  subject.options.parameters = parameters;
  subject.timeout = request.timeout.value_or(kTimeout);
  subject.only = std::move(only);

  CheckReport report;
  BT_TRY(device, describe_backend(subject.spec, subject.timeout));
  report.backend = subject.spec;
  report.device = std::move(device);
  report.model = model.name;
  report.group = subject.options.group;
  const bool is_text = format == Format::text;
  if (is_text) BT_TRY_VOID(print_result(text_check_subject(report, text_options())));
  Status printed;
  BT_TRY(checked, check_backend(subject, [&](const CheckedRule& one) {
           report.rules.push_back(shown(one));
           if (is_text && printed)
             printed = print_result(text_rule_verdict(report.rules.back(), text_options()));
         }));
  BT_TRY_VOID(printed);
  BT_TRY_VOID(print_result(is_text ? text_check_summary(report) : json_check(report)));
  return any_failed(checked) ? kFinding : kDone;
}

}  // namespace

void add_backend_check_command(Arguments& arguments) {
  auto options = std::make_shared<BackendCheckOptions>();
  TuningOptions& tuning = options->tuning;
  arguments.required("NAME", options->backend,
                     "backend, or the path of a plugin, with its own parameters after a colon");
  arguments.value("--model", options->model, "that it is checked with (default mlp@width=256)");
  arguments.value("--rule", options->rules, "these alone: lifetime,memory (default: all)");
  arguments.value("--dtype", tuning.dtypes, "data type (default f32)");
  arguments.value("--threads", tuning.threads, "threads (default: the CPUs)");
  arguments.value("--timeout", tuning.timeout,
                  "end a rule after this without an answer (default 60s)");
  arguments.repeated("--runtime-library", tuning.runtime_libraries, "PATH of a runtime's library");
  arguments.value("--command", tuning.command, "of the backend command, as for tune");
  arguments.value("--time", tuning.command_time, "likewise");
  add_format_option(arguments, options->output);
  arguments.run([options] { return run_backend_check(*options); });
}

}  // namespace batchtune
