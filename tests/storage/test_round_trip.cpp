// What goes into the store comes out again, field by field.
#include <limits>

#include "storage/detail/json.h"
#include "tests/storage/fixture.h"
#include "tests/support/catch.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

void require_same(const Preparation& a, const Preparation& b) {
  CHECK(a.trial == b.trial);
  CHECK(a.candidate == b.candidate);
  CHECK(a.ending == b.ending);
  CHECK(a.prepare_seconds == b.prepare_seconds);
  CHECK(a.load_seconds == b.load_seconds);
  CHECK(a.first_run == b.first_run);
  CHECK(a.memory == b.memory);
}

void require_same(const Round& a, const Round& b) {
  CHECK(a == b);
}

void require_same(const Probe& a, const Probe& b) {
  CHECK(a.candidate == b.candidate);
  CHECK(a.limit == b.limit);
  CHECK(a.limiter == b.limiter);
  CHECK(a.ending == b.ending);
  CHECK(a.memory == b.memory);
  CHECK(a.seconds == b.seconds);
  CHECK(a.soak == b.soak);
  CHECK(a.runs == b.runs);
  CHECK(a.peak_resident == b.peak_resident);
  CHECK(a.spill == b.spill);
  CHECK(a.killed == b.killed);
}

void require_same(const Observation& a, const Observation& b) {
  CHECK(a.started == b.started);
  CHECK(a.device_time == b.device_time);
  CHECK(a.wall == b.wall);
  CHECK(a.canaries == b.canaries);
  REQUIRE(a.what.index() == b.what.index());
  std::visit(
      [&](const auto& what) { require_same(what, std::get<std::decay_t<decltype(what)>>(b.what)); },
      a.what);
}

void require_same(const SessionHeader& a, const SessionHeader& b) {
  CHECK(a.uuid == b.uuid);
  CHECK(a.command == b.command);
  CHECK(a.started_at == b.started_at);
  CHECK(a.seed == b.seed);
  CHECK(a.strategy == b.strategy);
  CHECK(a.model.name == b.model.name);
  CHECK(a.model.hash == b.model.hash);
  CHECK(a.model.parameters == b.model.parameters);
  CHECK(a.model.flops_per_sample == b.model.flops_per_sample);
  CHECK(a.model.dense_parameters == b.model.dense_parameters);
  CHECK(a.model.dense_flops_per_sample == b.model.dense_flops_per_sample);
  CHECK(a.model.activation_bytes_per_sample == b.model.activation_bytes_per_sample);
  CHECK(a.model_json == b.model_json);
  CHECK(a.wishes == b.wishes);
  CHECK(a.settings == b.settings);
  CHECK(a.environment == b.environment);
  REQUIRE(a.devices.size() == b.devices.size());
  for (std::size_t i = 0; i < a.devices.size(); ++i)
    CHECK(detail::to_json(a.devices[i]) == detail::to_json(b.devices[i]));
  REQUIRE(a.estimates.size() == b.estimates.size());
  for (std::size_t i = 0; i < a.estimates.size(); ++i) {
    CHECK(a.estimates[i].group == b.estimates[i].group);
    CHECK(detail::to_json(a.estimates[i]) == detail::to_json(b.estimates[i]));
  }
  CHECK(a.reference_hash == b.reference_hash);
  CHECK(a.simulated == b.simulated);
  CHECK(a.revision == b.revision);
  CHECK(a.branch == b.branch);
  CHECK(a.label == b.label);
}

}  // namespace

TEST_CASE("a session with every field set comes back equal", "[storage]") {
  TempFolder folder;
  const std::string path = folder / "a.db";
  const SessionHeader header = example_header("0a1b2c3d-0000-4000-8000-000000000000");
  const std::vector<Observation> observations{example_preparation(), example_round(),
                                              example_probe()};
  std::int64_t number = 0;
  {
    auto store = open_store(path);
    number = store->begin_session(header).value();
    std::int64_t sequence = 0;
    for (const Observation& observation : observations)
      REQUIRE(store->append(number, ++sequence, observation));
    REQUIRE(store->set_anchor(number, 1));
    REQUIRE(store->finish_session(ended(number, 3, SessionEnd::budget, "60 s spent"),
                                  example_conclusion()));
  }
  auto store = Store::open_read_only(path);
  REQUIRE(store);
  auto record = (*store)->load_session(number);
  INFO((record ? "" : to_string(record.error())));
  REQUIRE(record);
  require_same(header, record->header);
  CHECK(record->header.number == number);
  CHECK(record->header.database == path);
  CHECK(record->anchor == 1);
  CHECK(record->end == SessionEnd::budget);
  CHECK(record->end_reason == "60 s spent");
  REQUIRE(record->overhead);
  CHECK(record->overhead->in_interval == 4e-8);
  CHECK(record->overhead->between_visits == 1.5e-5);
  CHECK(record->overhead->outside_share == 0.03);
  REQUIRE(record->observations.size() == observations.size());
  for (std::size_t i = 0; i < observations.size(); ++i)
    require_same(observations[i], record->observations[i]);
}

TEST_CASE("a session without optional figures comes back equal", "[storage]") {
  TempFolder folder;
  auto store = open_store(folder / "a.db");
  SessionHeader header;
  header.uuid = "u";
  const auto number = store->begin_session(header).value();
  const Observation bare{Preparation{}, 0, 0, 0, 0};
  REQUIRE(store->append(number, 1, bare));
  REQUIRE(store->append(number, 2, Observation{Round{}, 0, 0, 0, 0}));
  REQUIRE(store->append(number, 3, Observation{Probe{}, 0, 0, 0, 0}));
  const auto record = store->load_session(number).value();
  require_same(header, record.header);
  CHECK(record.anchor == 0);
  CHECK(record.end == SessionEnd::running);
  REQUIRE(record.observations.size() == 3);
  require_same(bare, record.observations[0]);
  CHECK_FALSE(record.overhead);
}

TEST_CASE("settings that loading found are added to a session", "[storage]") {
  TempFolder folder;
  auto store = open_store(folder / "a.db");
  SessionHeader header = example_header("u");
  const auto number = store->begin_session(header).value();
  header.settings.effective.push_back({"kernel", std::string("avx512"), "backend"});
  REQUIRE(store->update_settings(number, header.settings));
  require_same(header, store->load_session(number)->header);
  CHECK(store->update_settings(7, header.settings).error().kind == ErrorKind::bad_input);
}

TEST_CASE("a session that ran is kept with its conclusion and can be reopened", "[storage]") {
  TempFolder folder;
  const std::string path = folder / "a.db";
  auto store = open_store(path);
  const auto number = store->begin_session(example_header("u")).value();
  REQUIRE(store->append(number, 1, example_preparation()));
  REQUIRE(store->finish_session(ended(number, 1, SessionEnd::interrupted, "signal"),
                                example_conclusion()));
  CHECK(query(path,
              "SELECT batch || ' ' || latency || ' ' || throughput || ' ' || status || ' ' || best "
              "FROM result"
              " WHERE trial = 1") == "8 0.021 412.0 ok 1");
  CHECK(query(path, "SELECT status || ' ' || typeof(latency) FROM result WHERE trial = 2") ==
        "crashed null");
  CHECK(query(path, "SELECT largest_fitting || ' ' || evidence FROM boundary") ==
        "212 probed twice");
  CHECK(query(path,
              "SELECT group_concat(typeof(trial) || json_array_length(levers)) FROM verdict WHERE "
              "trial IS NULL") == "null2");
  CHECK(query(path, "SELECT best_batch FROM session") == "8");
  CHECK(query(path, "SELECT finished_at IS NOT NULL FROM session") == "1");
  CHECK(query(path, "SELECT quiet_visits || ' ' || autocorrelation FROM trial WHERE id = 1") ==
        "20 0.15");
  CHECK(query(path,
              "SELECT group_concat(metric || ' ' || seconds || ' ' || decision || ' ' ||"
              " coalesce(confidence, 'none') || ' ' || effective_samples || ' ' || runs || ' ' ||"
              " over, '; ') FROM trial_limit WHERE trial = 1") ==
        "p99.9 0.02 unproven 0.7 118.5 120 0; max 1.0 broken none 0.0 0 0");
  CHECK(query(path, "SELECT exact || ' ' || kills FROM boundary") == "0 2");
  CHECK(query(path,
              "SELECT headroom_share || ' ' || soak_seconds || ' ' || soak_runs || ' ' || soak_peak"
              " || ' ' || soak_status || ' ' || soak_reason || ' ' || soak_evidence FROM verdict"
              " WHERE trial = 1") == "0.25 30.0 1400 5242880 unstable slower 20 %");
  CHECK(query(path, "SELECT count(*) FROM verdict WHERE trial IS NULL AND soak_status IS NULL") ==
        "1");
  CHECK(query(path, "SELECT quiet_share || ' ' || kills FROM session") == "0.75 2");

  REQUIRE(store->reopen_session(store->load_session(number).value()));
  CHECK(store->load_session(number)->end == SessionEnd::running);
  CHECK(query(path,
              "SELECT (SELECT count(*) FROM verdict) + (SELECT count(*) FROM front) +"
              " (SELECT count(*) FROM trial_limit)") == "0");
  CHECK(query(path, "SELECT finished_at IS NULL AND best_batch IS NULL FROM session") == "1");
  REQUIRE(store->finish_session(ended(number, 1, SessionEnd::converged), example_conclusion()));
  REQUIRE(store->finish_session(ended(number, 1, SessionEnd::converged), example_conclusion()));
  CHECK(query(path, "SELECT count(*) FROM verdict") == "2");
}

TEST_CASE("a failure in a round is the trial's status at once", "[storage]") {
  TempFolder folder;
  const std::string path = folder / "a.db";
  auto store = open_store(path);
  const auto number = store->begin_session(example_header("u")).value();
  Observation preparation = example_preparation();
  std::get<Preparation>(preparation.what).trial = 2;
  REQUIRE(store->append(number, 1, preparation));
  CHECK(query(path, "SELECT status FROM trial WHERE id = 2") == "ok");
  REQUIRE(store->append(number, 2, example_round()));
  CHECK(query(path, "SELECT status || ', ' || evidence FROM trial WHERE id = 2") ==
        "crashed, signal 11");
}

TEST_CASE("equal environments share one row", "[storage]") {
  TempFolder folder;
  const std::string path = folder / "a.db";
  auto store = open_store(path);
  REQUIRE(store->begin_session(example_header("a")));
  REQUIRE(store->begin_session(example_header("b")));
  SessionHeader other = example_header("c");
  other.environment.emplace_back("more", std::int64_t{1});
  REQUIRE(store->begin_session(other));
  CHECK(query(path, "SELECT count(*) FROM environment") == "2");
  CHECK(query(path, "SELECT cpu_model FROM environment LIMIT 1") == "AMD EPYC \"9R14\"");
}

TEST_CASE("figures that are not finite are refused whole, wherever they are", "[storage]") {
  TempFolder folder;
  const std::string path = folder / "a.db";
  auto store = open_store(path);
  const auto number = store->begin_session(example_header("good")).value();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();

  Observation round = example_round();
  std::get<Round>(round.what).visits[0].seconds[1] = nan;
  const auto sample = store->append(number, 1, round);
  REQUIRE_FALSE(sample);
  CHECK(sample.error().found.find("finite") != std::string::npos);
  Observation preparation = example_preparation();
  std::get<Preparation>(preparation.what).prepare_seconds = infinity;
  CHECK_FALSE(store->append(number, 1, preparation));
  SessionHeader header = example_header("bad");
  header.devices[0].peaks[0].flops_per_second = nan;
  CHECK_FALSE(store->begin_session(header));
  Conclusion conclusion = example_conclusion();
  conclusion.trials[0].measurement->ratio_to_anchor = nan;
  CHECK_FALSE(store->finish_session(ended(number, 0, SessionEnd::converged), conclusion));

  CHECK(query(path, "SELECT (SELECT count(*) FROM observation) + (SELECT count(*) FROM visit)") ==
        "0");
  CHECK(query(path, "SELECT group_concat(uuid || end) FROM session") == "goodrunning");
}

TEST_CASE("a session that does not exist is bad input", "[storage]") {
  TempFolder folder;
  auto store = open_store(folder / "a.db");
  CHECK(store->load_session(7).error().kind == ErrorKind::bad_input);
  CHECK_FALSE(store->set_anchor(7, 1));
  CHECK_FALSE(store->finish_session(ended(7, 0, SessionEnd::failed), {}));
  CHECK_FALSE(store->reopen_session(ended(7, 0, SessionEnd::running)));
  CHECK_FALSE(store->append(7, 1, example_probe()));  // foreign keys are enforced
}
