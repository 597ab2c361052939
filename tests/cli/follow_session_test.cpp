// Sessions that cannot be followed, by what was measured in them.
#include "tuner/cli/follow_session.h"

#include <string>

#include "tests/cli/silent_store.h"
#include "tests/support/catch.h"
#include "tuner/workload/model_file.h"
#include "tuner/workload/work.h"

using namespace batchtune;

namespace {

class StoreOf final : public SilentStore {
 public:
  explicit StoreOf(SessionRecord record) : record_(std::move(record)) {}
  Result<SessionRecord> load_session(std::int64_t) const override { return record_; }

 private:
  SessionRecord record_;
};

// One batch, measured in a few rounds, that needs `bytes` of a memory limit of 1000.
SessionRecord measured(Bytes bytes) {
  const Model model = load_model("mlp").value();
  const CandidateGroup group{"simulated", DType::f32, 1, 1, model.dims};
  SessionRecord record;
  record.header.command = "tune";
  record.header.number = 1;
  record.header.uuid = "u";
  record.header.simulated = true;
  record.header.model = summarise(model);
  record.header.model_json = write_model(model);
  record.header.wishes.memory_limit = 1000;
  record.header.settings.requested = {{"backend", std::string("simulated"), "--backend"}};
  record.anchor = 1;
  record.end = SessionEnd::converged;
  Preparation preparation;
  preparation.trial = 1;
  preparation.candidate = {group, 4};
  preparation.memory = MemoryUse{bytes, 0, 0, {}};
  record.observations.push_back({preparation});
  for (int i = 0; i < 6; ++i) {
    Visit visit;
    visit.trial = 1;
    visit.seconds = {0.1, 0.1};
    record.observations.push_back(Observation{Round{{visit}, {}}});
  }
  return record;
}

}  // namespace

TEST_CASE("a session without a batch that fits cannot be tracked", "[cli]") {
  const auto fits = track_session(StoreOf(measured(500)), "1", {}, std::nullopt);
  REQUIRE(fits);
  CHECK(fits->request.batches == std::vector<std::int64_t>{4});
  const auto over = track_session(StoreOf(measured(2000)), "1", {}, std::nullopt);
  REQUIRE_FALSE(over);
  CHECK(over.error().wanted == "a session with a front or a choice to track");
}
