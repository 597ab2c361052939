#include "reports/json/dynamic_batch.h"

#include "reports/dynamic_batch.h"

namespace batchtune::json {
namespace {

Json service_of(const MixService& service) {
  return {{"throughput", number(service.throughput)},
          {"request", number(service.request)},
          {"longest", number(service.longest)}};
}

}  // namespace

Json dynamic_batching(const TuneReport& report) {
  const Wishes& wishes = report.record.header.wishes;
  Json mix = Json::array(), compiled = Json::array(), requests = Json::array();
  for (const UserBatch& user : wishes.user_batches)
    mix.push_back({{"batch", user.batch}, {"share", number(user.share)}});
  for (const MixRow& row : mix_rows(report.conclusion, wishes))
    compiled.push_back({{"trial", row.trial->id},
                        {"compiled_batch", row.trial->candidate.batch},
                        {"useful", number(row.useful)},
                        {"promised", service_of(row.promised)},
                        {"measured", row.measured ? service_of(*row.measured) : Json(nullptr)}});
  for (const SplitRow& row : split_rows(report.conclusion))
    requests.push_back({{"trial", row.trial->id},
                        {"compiled_batch", row.trial->candidate.group.compiled_batch},
                        {"user_batch", row.trial->candidate.batch},
                        {"runs", row.runs},
                        {"padded", row.padded},
                        {"useful", number(row.useful)},
                        {"latency", number(row.trial->measurement->undisturbed)},
                        {"throughput", number(row.trial->measurement->throughput_undisturbed)},
                        {"of_compiled", number(row.of_compiled)}});
  if (mix.empty() && requests.empty()) return nullptr;
  return {{"mix", mix}, {"compiled", compiled}, {"requests", requests}};
}

}  // namespace batchtune::json
