// Objectives and what each of them needs: typed, checked, kept for --resume, shown with origins.
#include <string>
#include <vector>

#include "tests/cli/parsed_options.h"
#include "tests/support/catch.h"
#include "tuner/cli/effective_settings.h"
#include "tuner/cli/options.h"
#include "tuner/cli/wish_request.h"

using namespace batchtune;

namespace {

// As tune does it, over the defaults.
Status checked(const TuningOptions& options, const std::vector<std::string>& backends = {"cpu"}) {
  const TuningRequest request = requested(options);
  return check_wishes(request, wishes_of(request, {}), backends);
}

bool mentions(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("what an objective needs becomes a wish", "[cli]") {
  TuningOptions options;
  options.objective = "latency";
  options.min_throughput = "1.5k/s";
  options.tolerance = "0.5%";
  options.max_batches = "20";
  const TuningRequest request = requested(options);
  const Wishes wishes = wishes_of(request, {});
  CHECK(wishes.objective == Objective::latency);
  CHECK(wishes.throughput_floor == 1500.0);
  CHECK(wishes.tolerance == Approx(0.005));
  CHECK(request.max_batches == 20);
  CHECK(checked(options).has_value());

  TuningOptions cost;
  cost.objective = "cost";
  cost.prices = {"0.34/h", "cpu=2/h"};
  const Wishes priced = wishes_of(requested(cost), {});
  CHECK(price_of(priced, "cpu") == 2.0);
  CHECK(price_of(priced, "simulated") == 0.34);
  CHECK(checked(cost, {"cpu", "simulated"}).has_value());
}

TEST_CASE("the options of objectives are kept for --resume", "[cli]") {
  TuningOptions options;
  options.objective = "cost";
  options.prices = {"0.34/h", "cpu=2/h"};
  options.tolerance = "3%";
  options.max_batches = "7";
  const std::vector<Setting> given = given_settings(options);
  CHECK(given_settings(options_from(given)) == given);
  const TuningRequest again = requested(options_from(given));
  CHECK(again.prices.size() == 2);
  CHECK(again.tolerance == Approx(0.03));
  CHECK(again.max_batches == 7);

  TuningOptions floor;
  floor.objective = "latency";
  floor.min_throughput = "500/s";
  CHECK(requested(options_from(given_settings(floor))).min_throughput == 500.0);
}

TEST_CASE("bad floors, prices, tolerances and counts say what was wanted", "[cli]") {
  for (const char* text : {"500", "0/s", "-1/s", "500/h", "many/s", "/s"}) {
    TuningOptions options;
    options.objective = "latency";
    options.min_throughput = text;
    INFO(text);
    CHECK(mentions(refused(options), "such as 500/s, found '" + std::string(text) + "'"));
  }
  for (const char* text : {"0.34", "0/h", "-1/h", "cpu=", "cpu=free/h", "=1/h", "xpu=1/h", "1/s"}) {
    TuningOptions options;
    options.objective = "cost";
    options.prices = {text};
    INFO(text);
    CHECK(mentions(refused(options), "found '" + std::string(text) + "'"));
    CHECK(mentions(refused(options), "cpu=0.34/h"));
  }
  TuningOptions twice;
  twice.prices = {"cpu=1/h", "cpu=2/h"};
  CHECK(mentions(refused(twice), "one price for each backend"));
  for (const char* text : {"0%", "2", "much"}) {
    TuningOptions options;
    options.tolerance = text;
    CHECK(mentions(refused(options), "--tolerance"));
  }
  for (const char* text : {"0", "-1", "4097", "few"}) {
    TuningOptions options;
    options.max_batches = text;
    CHECK(mentions(refused(options), "--max-batches"));
  }
  TuningOptions options;
  options.objective = "fastest";
  CHECK(mentions(refused(options), "knee, throughput, latency, cost"));
}

TEST_CASE("an objective without what it needs is refused", "[cli]") {
  TuningOptions latency;
  latency.objective = "latency";
  CHECK(
      mentions(to_string(checked(latency).error()), "--min-throughput with the objective latency"));
  TuningOptions cost;
  cost.objective = "cost";
  CHECK(mentions(to_string(checked(cost).error()), "--price with the objective cost"));
  cost.prices = {"cpu=1/h"};
  CHECK(checked(cost).has_value());
  CHECK(mentions(to_string(checked(cost, {"cpu", "simulated"}).error()), "none for simulated"));
}

TEST_CASE("options that another objective heeds are refused", "[cli]") {
  TuningOptions options;
  options.min_throughput = "500/s";
  CHECK(mentions(to_string(checked(options).error()), "Give --objective latency with it"));
  options.objective = "throughput";
  CHECK(mentions(refused(options), "Leave one of the two out"));
  options = {};
  options.prices = {"1/h"};
  CHECK(mentions(to_string(checked(options).error()), "Give --objective cost with it"));
  options = {};
  options.objective = "cost";
  options.prices = {"1/h"};
  options.give_up = "1%";
  CHECK(mentions(refused(options), "--give-up with the objective knee"));
  options = {};
  options.strategy = "exhaustive";
  options.max_batches = "3";
  CHECK(mentions(refused(options), "--max-batches with a strategy that chooses batches"));
}

TEST_CASE("a report may ask for another objective, and shows what it heeds alone", "[cli]") {
  SessionHeader header;
  header.wishes.objective = Objective::latency;
  header.wishes.throughput_floor = 500;
  header.settings.effective = {{"objective", std::string("latency"), "--objective"},
                               {"min_throughput", 500.0, "--min-throughput"},
                               {"tolerance", 0.01, "default"}};
  const auto shown = [&](const std::string& name) -> std::string {
    for (const Setting& setting : header.settings.effective)
      if (setting.name == name) return to_string(setting.value) + " by " + setting.origin;
    return "";
  };
  TuningOptions options;
  options.min_throughput = "700/s";  // the session's objective heeds it
  TuningRequest request = requested(options);
  header.wishes = wishes_of(request, header.wishes);
  CHECK(check_wishes(request, header.wishes, {"cpu"}).has_value());
  replace_wish_settings(header, request);
  CHECK(shown("min_throughput") == "700.000 by --min-throughput");

  options = {};
  options.objective = "cost";
  options.prices = {"0.5/h", "cpu=1/h"};
  options.tolerance = "2%";
  request = requested(options);
  header.wishes = wishes_of(request, header.wishes);
  CHECK(check_wishes(request, header.wishes, {"cpu"}).has_value());
  replace_wish_settings(header, request);
  CHECK(shown("min_throughput").empty());
  CHECK(shown("price") == "0.5/h, cpu=1/h by --price");
  CHECK(shown("tolerance") == "0.0200000 by --tolerance");
}
