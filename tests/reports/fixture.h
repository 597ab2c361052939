// Reports with everything in them, small variations, and the comparison with golden files.
#pragma once

#include <string>

#include "reports/compare_report.h"
#include "reports/describe_report.h"
#include "reports/doctor_report.h"
#include "reports/estimate_report.h"
#include "reports/layers_report.h"
#include "reports/list_report.h"
#include "reports/points_report.h"
#include "reports/replay_report.h"
#include "reports/report.h"
#include "reports/rules_report.h"
#include "reports/several_report.h"
#include "reports/why.h"

namespace batchtune::test {

TuneReport full_report();          // one group, a failed trial, limits, predicted boundary, verdict
TuneReport nothing_fits_report();  // limits that nothing keeps
TuneReport priced_report();        // the objective cost, with a price for the one backend
TuneReport several_groups_report();  // two backends, a probed boundary, unproven
TuneReport mix_report();    // a compiled batch for a mix of user batches
TuneReport split_report();  // `measure` of user batches in runs of compiled ones
TuneReport empty_report();           // interrupted before anything was measured
TuneReport unknown_report();  // of a model whose operations cannot be read: nothing is estimated
DescribeReport unknown_describe();
EstimateReport full_estimate();
DescribeReport full_describe();
CompareReport full_compare();
std::vector<DeploymentPoint> full_points();  // current with a price, stale, nothing keeps the limits
std::vector<TunedModel> full_several();      // tuned, failed, nothing keeps the limits
LayersReport full_layers();  // fused and unmapped layers, a backend without a profile, rows left out
Listing full_listing();
FactSheet full_facts();
DoctorReport full_doctor();  // a look, findings of every verdict, advice
std::vector<RuleEntry> full_rules();
ReplayReport full_replay();  // two tables, one of two groups, and their summary

// Compares with tests/golden/<name>; BATCHTUNE_APPROVE=1 writes it instead.
void check_golden(const std::string& name, const std::string& content);

}  // namespace batchtune::test
