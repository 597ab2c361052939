// Whole texts as they are shown. Nothing in them depends on the machine or the moment, so nothing
// is masked.
#include "reports/progress.h"
#include "tests/reports/fixture.h"
#include "tests/support/catch.h"

using namespace batchtune;
using namespace batchtune::test;

TEST_CASE("the text report reads as approved", "[reports][golden]") {
  check_golden("tune.txt", text_report(full_report(), {}));
  check_golden("tune_narrow.txt", text_report(full_report(), {.width = 60}));
  check_golden("tune_nothing_fits.txt", text_report(nothing_fits_report(), {.plot = false}));
  check_golden("tune_several_groups.txt", text_report(several_groups_report(), {.width = 120}));
  check_golden("tune_priced.txt", text_report(priced_report(), {.plot = false}));
  check_golden("tune_mix.txt", text_report(mix_report(), {.plot = false}));
  check_golden("measure_split.txt", text_report(split_report(), {.plot = false}));
  check_golden("tune_empty.txt", text_report(empty_report(), {}));
  check_golden("tune_unknown.txt", text_report(unknown_report(), {.plot = false}));
}

TEST_CASE("the page that says why reads as approved", "[reports][golden]") {
  check_golden("why.txt", text_why(full_report(), {}));
  check_golden("why_narrow.txt", text_why(priced_report(), {.width = 60}));
  check_golden("why_nothing_fits.txt", text_why(nothing_fits_report(), {}));
  check_golden("why_several_groups.txt", text_why(several_groups_report(), {.width = 120}));
  check_golden("why.json", json_report({full_report()}, false, true));
}

TEST_CASE("the JSON report reads as approved", "[reports][golden]") {
  check_golden("tune.json", json_report({full_report()}));
  check_golden("tune_nothing_fits.json", json_report({nothing_fits_report()}));
}

TEST_CASE("the CSV report reads as approved", "[reports][golden]") {
  check_golden("tune.csv", csv_report({full_report(), several_groups_report()}));
  check_golden("dynamic_batch.csv", csv_report({mix_report(), split_report()}));
}

TEST_CASE("the other reports read as approved", "[reports][golden]") {
  check_golden("estimate.txt", text_estimate(full_estimate(), {}));
  check_golden("estimate.json", json_estimate(full_estimate()));
  check_golden("describe.txt", text_describe(full_describe(), {}));
  check_golden("describe_unknown.txt", text_describe(unknown_describe(), {}));
  check_golden("compare.txt", text_compare(full_compare(), {}));
  check_golden("compare.json", json_compare(full_compare()));
  check_golden("points.txt", text_points(full_points(), {.width = 150}));
  check_golden("points_narrow.txt", text_points(full_points(), {.width = 70}));
  check_golden("points.json", json_points(full_points()));
  check_golden("points.csv", csv_points(full_points()));
  check_golden("several.txt", text_several(full_several(), {}));
  check_golden("layers.txt", text_layers(full_layers(), {.width = 120}));
  check_golden("layers_narrow.txt", text_layers(full_layers(), {.width = 60}));
  check_golden("listing.txt", text_listing(full_listing(), {}));
  check_golden("facts.txt", text_facts(full_facts(), {}));
  check_golden("doctor.txt", text_doctor(full_doctor(), {}));
  check_golden("doctor.json", json_doctor(full_doctor()));
  check_golden("rules.txt", text_rules(full_rules(), {}));
  check_golden("rules.json", json_rules(full_rules()));
}
