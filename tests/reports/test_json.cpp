// The JSON documents keep their promises: keys, nulls, and the schemas beside the writers.
#include <nlohmann/json.hpp>
#include <set>

#include "reports/check_report.h"
#include "tests/reports/fixture.h"
#include "tests/reports/schema.h"
#include "tests/support/catch.h"

using namespace batchtune;
using namespace batchtune::test;
using Json = nlohmann::json;

TEST_CASE("every tune document fits tune.schema.json", "[reports][json]") {
  for (const TuneReport& report :
       {full_report(), nothing_fits_report(), several_groups_report(), empty_report(),
        unknown_report()})
    check_valid("tune.schema.json", json_report({report}));
  check_valid("tune.schema.json", json_report({full_report(), empty_report()}));
  check_valid("tune.schema.json", json_report({priced_report()}));
  check_valid("tune.schema.json", json_report({mix_report()}));
  check_valid("tune.schema.json", json_report({split_report()}));
  for (const TuneReport& report : {full_report(), nothing_fits_report(), several_groups_report()})
    check_valid("tune.schema.json", json_report({report}, false, true));
  TuneReport measure = full_report();
  measure.record.header.command = "measure";
  check_valid("tune.schema.json", json_report({measure}));
  check_valid("tune.schema.json", json_error({ErrorKind::bad_input, "a", "b", "", ""}));
}

TEST_CASE("what is unknown of a model is null, not 0", "[reports][json]") {
  const Json document = Json::parse(json_report({unknown_report()}, false, true));
  for (const char* count : {"parameters", "flops_per_sample", "dense_parameters",
                            "dense_flops_per_sample", "activation_bytes_per_sample"})
    CHECK(document["model"].at(count).is_null());
  REQUIRE(document["estimates"].size() == 1);
  for (const char* said : {"batch", "bound", "formula"})
    CHECK(document["estimates"][0].at(said).is_null());
  for (const Json& trial : document["trials"]) CHECK(trial.at("estimate").is_null());
  CHECK(document["why"].dump().find("roofline said") == std::string::npos);
}

TEST_CASE("dynamic batching is in the documents of sessions that had it", "[reports][json]") {
  CHECK_FALSE(Json::parse(json_report({full_report()})).contains("dynamic_batching"));
  const Json mix = Json::parse(json_report({mix_report()})).at("dynamic_batching");
  CHECK(mix.at("mix").size() == 3);
  REQUIRE(mix.at("compiled").size() == 4);
  CHECK(mix["compiled"][0]["measured"].is_null());  // its own runs alone
  CHECK(mix["compiled"][1]["compiled_batch"] == 4);
  CHECK(mix["compiled"][1]["measured"]["longest"].get<double>() == Approx(0.381));
  CHECK(mix["compiled"][1]["promised"]["longest"].get<double>() == Approx(0.375));
  const Json split = Json::parse(json_report({split_report()})).at("dynamic_batching");
  CHECK(split.at("compiled").empty());
  REQUIRE(split.at("requests").size() == 5);  // those that ran
  CHECK(split["requests"][2]["runs"] == 2);
  CHECK(split["requests"][2]["padded"] == 3);
  CHECK(split["requests"][4]["of_compiled"].is_null());
}

TEST_CASE("layers are in the documents of who asked for them", "[reports][json]") {
  TuneReport report = full_report();
  CHECK_FALSE(Json::parse(json_report({report})).contains("layers"));
  report.layers = {full_layers()};
  for (const char* command : {"tune", "measure"}) {
    report.record.header.command = command;
    const std::string document = json_report({report});
    check_valid("tune.schema.json", document);
    const Json layers = Json::parse(document).at("layers").at(0);
    CHECK(layers["operations"].size() == 4);  // all of them, shown or not
    CHECK(layers["operations"][0]["figures"][1]["with"] == Json({"sum"}));
    CHECK(layers["operations"][2]["figures"][1].is_null());
    CHECK(layers["profiles"][1]["unmapped"].size() == 3);
    CHECK(layers["profiles"][2]["missing"].is_string());
    CHECK(layers["profiles"][2]["sum"].is_null());
    const std::string text = text_report(report, {});
    CHECK(text.find("not mapped") != std::string::npos);
    if (std::string(command) == "tune")  // the verdict stays last
      CHECK(text.find("not mapped") < text.find("=> "));
  }
}

TEST_CASE("the schema check can fail", "[reports][json]") {
  const Json schema = schema_of("tune.schema.json");
  const Validator validator{schema};
  const Json good = Json::parse(json_report({full_report()}));
  CHECK(validator.fits(schema, good));
  Json bad = good;
  bad["trials"][0]["status"] = "fine";
  CHECK_FALSE(validator.fits(schema, bad));
  bad = good;
  bad["trials"][0]["latency"].erase("p99");
  CHECK_FALSE(validator.fits(schema, bad));
  bad = good;
  bad["session"]["surprise"] = 1;
  CHECK_FALSE(validator.fits(schema, bad));
  CHECK_FALSE(validator.fits(schema, Json::object()));
}

TEST_CASE("estimate and compare documents fit their schemas", "[reports][json]") {
  check_valid("estimate.schema.json", json_estimate(full_estimate()));
  EstimateReport raw = full_estimate();
  raw.model.reset();
  raw.estimate.formula->guide_batch.reset();
  raw.estimate.curve.clear();
  check_valid("estimate.schema.json", json_estimate(raw));
  check_valid("compare.schema.json", json_compare(full_compare()));
  check_valid("compare.schema.json", json_compare({"a", "b", {}}));
}

TEST_CASE("documents of points and of several models fit their schemas", "[reports][json]") {
  check_valid("points.schema.json", json_points(full_points()));
  check_valid("points.schema.json", json_points({}));
  check_valid("tune.schema.json", json_several(full_several()));
  const Json several = Json::parse(json_several(full_several()));
  REQUIRE(several["results"].size() == 3);
  CHECK(several["results"][0] == Json::parse(json_report({full_report()})));
  CHECK(several["results"][1]["model"] == "vgg-16");
  CHECK(several["results"][1]["error"]["found"] == "a full disk");
}

TEST_CASE("replay documents fit their schema", "[reports][json]") {
  check_valid("replay.schema.json", json_replay(full_replay()));
  check_valid("replay.schema.json", json_replay({}));
}

TEST_CASE("doctor and rules documents fit their schemas", "[reports][json]") {
  check_valid("doctor.schema.json", json_doctor(full_doctor()));
  DoctorReport bare;
  check_valid("doctor.schema.json", json_doctor(bare));
  bare.look = MachineLook{};
  check_valid("doctor.schema.json", json_doctor(bare));
  check_valid("rules.schema.json", json_rules(full_rules()));
  check_valid("rules.schema.json", json_rules({}));
  CHECK(csv_rules(full_rules()) ==
        "rule,parameter,default,unit,description\n"
        "precision,precision,0.01,share,\"half width of the interval, relative\"\n"
        "precision,rounds,8,rounds,fewest rounds\n"
        "budget,,,,stops when the time is spent\n");
}

TEST_CASE("what backend-check found fits its schema", "[reports][json]") {
  CheckReport report;
  check_valid("check.schema.json", json_check(report));
  report.rules = {{"run", "it runs", "passed", "batches 1, 3", 0.5}, {"quiet", "none", "skipped", "why", 0}};
  check_valid("check.schema.json", json_check(report));
  CHECK(text_rule_verdict(report.rules[0], {}) == "passed    run            batches 1, 3\n");
  report.rules[0].verdict = "failed";
  CHECK(text_rule_verdict(report.rules[0], {}) ==
        "failed    run            batches 1, 3. Wanted: it runs\n");
  CHECK(text_check_summary(report) == "2 rules: 1 failed, 1 skipped\n");
}

TEST_CASE("an absent figure is null, never 0", "[reports][json]") {
  const Json report = Json::parse(json_report({full_report()}));
  const Json& failed = report["trials"][4];
  CHECK(failed["status"] == "out_of_memory");
  for (const char* key : {"undisturbed", "ci95", "p50", "p90", "p95", "p99", "p99_9", "max"})
    CHECK(failed["latency"][key].is_null());
  CHECK(failed["throughput"]["as_seen"].is_null());
  CHECK(failed["ratio"]["to_anchor"].is_null());
  CHECK(failed["memory"].is_null());
  CHECK(failed["memory_kind"].is_null());
  CHECK(failed["prepare"].is_null());
  CHECK(failed["estimate"].is_null());
  CHECK(report["trials"][0]["latency"]["p99"].is_null());
  CHECK(report["settings"]["requested"]["threads"].is_null());
  const Json empty = Json::parse(json_report({empty_report()}));
  CHECK(empty["session"]["anchor"].is_null());
  CHECK(empty["session"]["number"].is_null());
  CHECK(empty["best"].is_null());
}

TEST_CASE("the evidence behind each figure is in the JSON", "[reports][json]") {
  const Json report = Json::parse(json_report({full_report()}));
  CHECK(report["host"]["quiet_share"] == 0.83);
  CHECK(report["host"]["judged_visits"] == 2);
  CHECK(report["host"]["disturbed_visits"] == 1);
  CHECK(report["host"]["clock_hz"] == Json::array({3.6e9, 3.7e9}));
  CHECK(report["host"]["cpu_pressure"] == 0.04);
  CHECK(report["host"]["involuntary_switches"] == 4);
  CHECK(report["host"]["steal"].is_null());
  CHECK(report["session"]["overhead"]["in_interval"] == 45e-9);
  const Json& trial = report["trials"][2];
  CHECK(trial["quiet_visits"] == 20);
  CHECK(trial["autocorrelation"] == 0.12);
  CHECK(trial["limits"][0]["runs"] == 96);
  CHECK(trial["limits"][0]["over"] == 1);
  const Json& verdict = report["verdicts"][0];
  CHECK(verdict["headroom_share"] == 0.885);
  CHECK(verdict["soaked"]["runs"] == 25);
  CHECK(verdict["soaked"]["status"] == "ok");
  const Json unjudged = Json::parse(json_report({nothing_fits_report()}));
  CHECK(unjudged["host"]["quiet_share"].is_null());
  CHECK(unjudged["session"]["overhead"].is_null());
  CHECK(unjudged["trials"][2]["quiet_visits"].is_null());
  CHECK(unjudged["verdicts"][0]["soaked"].is_null());
  const Json band = Json::parse(json_report({several_groups_report()}));
  CHECK(band["boundaries"][1]["exact"] == false);
  CHECK(band["boundaries"][1]["kills"] == 1);
  CHECK(band["kills"] == 3);
}

TEST_CASE("when nothing keeps the limits the JSON says what is nearest", "[reports][json]") {
  const Json report = Json::parse(json_report({nothing_fits_report()}));
  CHECK(report["best"].is_null());
  const Json& verdict = report["verdicts"][0];
  CHECK(verdict["trial"].is_null());
  CHECK(verdict["batch"].is_null());
  CHECK(verdict["nearest"] == 2);
  CHECK(verdict["levers"].size() == 2);
  CHECK_FALSE(Json::parse(json_report({full_report()}))["verdicts"][0].contains("nearest"));
}

TEST_CASE("measure has neither verdicts nor best, several models are results", "[reports][json]") {
  TuneReport report = full_report();
  report.record.header.command = "measure";
  const Json measure = Json::parse(json_report({report}));
  CHECK(measure["command"] == "measure");
  CHECK_FALSE(measure.contains("verdicts"));
  CHECK_FALSE(measure.contains("best"));
  const Json several = Json::parse(json_report({full_report(), empty_report()}));
  CHECK(several["results"].size() == 2);
  CHECK(several["results"][0] == Json::parse(json_report({full_report()})));
  const Json cut_short = Json::parse(json_report({full_report()}, true));
  CHECK(cut_short["results"].size() == 1);
  CHECK(several["command"] == "tune");
}

TEST_CASE("an option that was given several times keeps all its values", "[reports][json]") {
  TuneReport report = full_report();
  report.record.header.settings.requested = {
      {"latency_limit", std::string("p50=20ms"), "--latency-limit"},
      {"latency_limit", std::string("p99=50ms"), "--latency-limit"}};
  const Json json = Json::parse(json_report({report}));
  CHECK(json["settings"]["requested"]["latency_limit"] == "p50=20ms, p99=50ms");
}

TEST_CASE("numbers survive the JSON exactly", "[reports][json]") {
  TuneReport report = full_report();
  report.conclusion.trials[0].measurement->undisturbed = 0.1 + 0.2;
  report.conclusion.trials[0].memory = (std::int64_t{1} << 53) + 1;
  const Json json = Json::parse(json_report({report}));
  CHECK(json["trials"][0]["latency"]["undisturbed"].get<double>() == 0.1 + 0.2);
  CHECK(json["trials"][0]["memory"].get<std::int64_t>() == (std::int64_t{1} << 53) + 1);
}

TEST_CASE("listings and facts carry their values under their keys", "[reports][json]") {
  const Json listing = Json::parse(json_listing(full_listing()));
  CHECK(listing["command"] == "list");
  CHECK(listing["sessions"][0]["best_batch"] == 8);
  CHECK(listing["sessions"][1]["best_batch"].is_null());
  CHECK(Json::parse(json_facts(full_facts()))["peak_f32"] == 256e9);
  CHECK(csv_listing(full_listing()) ==
        "number,model,best_batch,simulated\n1,resnet-50,8,false\n"
        "12,\"a \"\"model\"\", odd\",,true\n");
  const Json describe = Json::parse(json_describe(full_describe()));
  CHECK(describe["operations"][0]["output"] == Json::array({112, 112, 64}));
}
