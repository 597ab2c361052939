// Whatever figures come in: no NaN or infinity goes out, JSON stays JSON, CSV keeps its columns.
#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "tests/reports/fixture.h"
#include "tests/support/catch.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

struct Figures {
  std::mt19937 random{20260102};

  double next() {
    const double choices[] = {0,
                              -1,
                              1e-320,
                              1e308,
                              0.02,
                              412,
                              std::numeric_limits<double>::quiet_NaN(),
                              std::numeric_limits<double>::infinity(),
                              -std::numeric_limits<double>::infinity()};
    return choices[random() % std::size(choices)];
  }
  std::optional<double> maybe() { return random() % 3 == 0 ? std::nullopt : std::optional(next()); }
};

TuneReport scrambled(Figures& figures) {
  TuneReport report = several_groups_report();
  ModelSummary& model = report.record.header.model;
  for (double* field : {&model.parameters, &model.flops_per_sample, &model.dense_flops_per_sample})
    *field = figures.next();
  for (Trial& trial : report.conclusion.trials) {
    if (!trial.measurement) continue;
    Measurement& m = *trial.measurement;
    for (double* field : {&m.undisturbed, &m.max, &m.throughput_undisturbed, &m.throughput_as_seen,
                          &m.ratio_to_anchor})
      *field = figures.next();
    for (auto* field : {&m.p50, &m.p90, &m.p95, &m.p99, &m.p99_9}) *field = figures.maybe();
    m.undisturbed_ci95 = Interval{figures.next(), figures.next()};
    trial.estimate->latency = figures.next();
    trial.front_probability = figures.maybe();
    m.autocorrelation = figures.maybe();
    trial.limits = {{LatencyMetric::p50, figures.next(), LimitDecision::kept, figures.maybe(),
                     figures.next(), 5, 1}};
  }
  report.record.header.devices[0].peaks[1].flops_per_second = figures.next();
  report.record.header.estimates[0].formula->exact = figures.next();
  report.conclusion.verdicts[0].stability = figures.maybe();
  Verdict& verdict = report.conclusion.verdicts[0];
  verdict.expected_regret = figures.maybe();
  verdict.up = Step{9, figures.next(), figures.next()};
  verdict.limit_slack = figures.maybe();
  verdict.tightening = Tightening{{LatencyMetric::p50, figures.next()}, figures.next(), 1};
  report.conclusion.effort = Effort{1, 2, 3, figures.next(), figures.next(), 4, figures.maybe()};
  report.record.header.wishes.prices = {{"cpu", figures.next()}};
  report.conclusion.verdicts[0].headroom = figures.maybe();
  report.conclusion.verdicts[0].headroom_share = figures.maybe();
  report.conclusion.verdicts[0].soaked->seconds = figures.next();
  report.conclusion.quiet_share = figures.maybe();
  report.record.overhead = Overhead{figures.next(), figures.next(), figures.maybe()};
  report.record.header.wishes.user_batches = {{1, 0.5}, {8, 0.5}};
  report.conclusion.trials[1].candidate.group.compiled_batch = 4;
  report.layers = {full_layers()};
  LayersReport& layers = report.layers[0];
  layers.profiles[0].sum = figures.next();
  layers.profiles[0].measured = figures.maybe();
  layers.profiles[1].run = figures.next();
  layers.profiles[1].unmapped[0].seconds = figures.next();
  layers.rows[0].figures[0] =
      LayerFigure{figures.next(), figures.next(), figures.maybe(), figures.maybe(), {}};
  layers.rows[1].figures[0]->seconds = figures.next();
  return report;
}

bool says_not_a_number(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    word.erase(std::remove_if(word.begin(), word.end(),
                              [](char c) { return c == ',' || c == '+' || c == '-' || c == '%'; }),
               word.end());
    if (word == "nan" || word == "inf" || word == "infinity") return true;
  }
  return false;
}

std::size_t commas(const std::string& line) {
  return static_cast<std::size_t>(std::count(line.begin(), line.end(), ','));
}

}  // namespace

TEST_CASE("no report says NaN or infinity, whatever comes in", "[reports][property]") {
  Figures figures;
  for (int i = 0; i < 200; ++i) {
    const TuneReport report = scrambled(figures);
    for (int width : {40, 100}) {
      REQUIRE_FALSE(says_not_a_number(text_report(report, {.width = width})));
      REQUIRE_FALSE(says_not_a_number(text_why(report, {.width = width})));
    }
    const std::string json = json_report({report}, false, true);
    REQUIRE_FALSE(says_not_a_number(json));
    REQUIRE(nlohmann::json::accept(json));
    std::istringstream csv(csv_report({report}));
    std::string header, line;
    std::getline(csv, header);
    while (std::getline(csv, line)) {
      REQUIRE(line.find("nan") == std::string::npos);
      REQUIRE(line.find("inf") == std::string::npos);
      REQUIRE(commas(line) == commas(header));
    }
    EstimateReport estimate = full_estimate();
    estimate.estimate.formula->ridge = figures.next();
    for (PointEstimate& point : estimate.estimate.curve) point.latency = figures.next();
    REQUIRE_FALSE(says_not_a_number(text_estimate(estimate, {})));
    REQUIRE(nlohmann::json::accept(json_estimate(estimate)));
    REQUIRE_FALSE(says_not_a_number(csv_estimate(estimate)));
    CompareReport compare = full_compare();
    for (ComparedPair& pair : compare.comparison.pairs) pair.ratio = figures.next();
    REQUIRE_FALSE(says_not_a_number(text_compare(compare, {})));
    REQUIRE(nlohmann::json::accept(json_compare(compare)));
    std::vector<DeploymentPoint> points = full_points();
    points[0].cost = figures.maybe();
    points[0].price = figures.next();
    points[0].trial->measurement->throughput_undisturbed = figures.next();
    points[0].trial->measurement->undisturbed = figures.next();
    for (int width : {40, 150})
      REQUIRE_FALSE(says_not_a_number(text_points(points, {.width = width})));
    REQUIRE(nlohmann::json::accept(json_points(points)));
    REQUIRE_FALSE(says_not_a_number(csv_points(points)));
    REQUIRE_FALSE(says_not_a_number(text_several({{"mlp", report, std::nullopt}}, {})));
    DoctorReport doctor = full_doctor();
    doctor.look->quiet_share = figures.maybe();
    doctor.look->compute_levels = {{figures.next(), figures.next()},
                                   {figures.next(), figures.next()}};
    doctor.look->clock_hz = Interval{figures.next(), figures.next()};
    doctor.look->steal = figures.maybe();
    doctor.findings[4].value = figures.next();
    doctor.overhead = Overhead{figures.next(), figures.next(), figures.maybe()};
    REQUIRE_FALSE(says_not_a_number(text_doctor(doctor, {})));
    REQUIRE(nlohmann::json::accept(json_doctor(doctor)));
    REQUIRE_FALSE(says_not_a_number(csv_doctor(doctor)));
  }
}

TEST_CASE("odd text from outside breaks no format", "[reports][property]") {
  TuneReport report = full_report();
  report.conclusion.trials[4].ending.reason = "two\nlines, a \"quote\" and \xff no UTF-8";
  report.record.header.model.name = "a,b\n\"c\"";
  CHECK(nlohmann::json::accept(json_report({report})));
  CHECK(csv_report({report}).find("\"a,b\n\"\"c\"\"\"") != std::string::npos);
  CHECK(text_report(report, {}).find("two lines") != std::string::npos);
}
