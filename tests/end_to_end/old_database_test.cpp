// A database that an earlier program left: brought up to date, it is reported with the figures that
// were stored then.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "storage/detail/migrate.h"
#include "storage/detail/open.h"
#include "storage/store.h"
#include "tests/end_to_end/program.h"
#include "tests/support/catch.h"

using namespace batchtune::test;
namespace storage = batchtune::detail;
using Json = nlohmann::json;

namespace {

constexpr int kSchema = 2;

std::string rows_of(int version) {
  std::ifstream file(BT_TEST_DATA "/sessions_schema_" + std::to_string(version) + ".sql");
  return {std::istreambuf_iterator<char>(file), {}};
}

// Opened once for writing, as the next `tune` would.
std::string updated_database(int version) {
  const std::string path = scratch("old.db");
  std::filesystem::remove(path);
  {
    auto old = storage::open_for_writing(
        path, false, storage::migrations().first(static_cast<std::size_t>(version)));
    REQUIRE(old);
    REQUIRE(old->execute(rows_of(version).c_str()));
  }
  REQUIRE(batchtune::Store::open(path, false));
  return path;
}

Json report_of(const std::string& session, const std::string& path) {
  const Finished finished = run({"report", session, "--format", "json", "--db", path});
  INFO(finished.err);
  REQUIRE(finished.code <= 3);
  return Json::parse(finished.out);
}

void check_trial(const Json& trial, int batch, const std::string& status, int samples,
                 double undisturbed) {
  INFO("batch " << batch);
  CHECK(trial.at("batch") == batch);
  CHECK(trial.at("status") == status);
  CHECK(trial.at("samples") == samples);
  if (samples > 0)
    CHECK(trial.at("latency").at("undisturbed").get<double>() == Approx(undisturbed).epsilon(1e-9));
}

}  // namespace

TEST_CASE("sessions of an earlier schema are reported as the program of that time reported them",
          "[end_to_end]") {
  const std::string path = updated_database(kSchema);
  const Json tuned = report_of("1", path);
  CHECK(tuned.at("session").at("ended") == "budget");
  CHECK(tuned.at("session").at("label") == "it's old");
  CHECK(tuned.at("best").at("batch") == 2);
  CHECK(tuned.at("best").at("proven") == false);
  REQUIRE(tuned.at("trials").size() == 3);
  check_trial(tuned.at("trials")[0], 1, "ok", 24, 0.00788381993759646);
  check_trial(tuned.at("trials")[1], 2, "ok", 24, 0.00794228471262646);
  check_trial(tuned.at("trials")[2], 4, "crashed", 0, 0);
  const Json& p90 = tuned.at("trials")[1].at("limits").at(1);
  CHECK(p90.at("decision") == "unproven");
  CHECK(p90.at("confidence").get<double>() == Approx(0.920233556923127));

  const Json measured = report_of("2", path);
  REQUIRE(measured.at("trials").size() == 2);
  check_trial(measured.at("trials")[0], 1, "unstable", 12, 0.00785517158150757);
  check_trial(measured.at("trials")[1], 2, "unstable", 12, 0.00789499705013733);
}

TEST_CASE("a session that an earlier program left unended is kept, and not gone on with",
          "[end_to_end]") {
  const std::string path = updated_database(kSchema);
  const Finished refused = run({"tune", "mlp", "--resume", "--quiet", "--db", path});
  CHECK(refused.code == 2);
  CHECK(refused.err.find("build.id") != std::string::npos);  // its figures would be another's
  const Json killed = report_of("3", path);
  CHECK(killed.at("session").at("ended") == "running");
  CHECK(killed.at("trials").size() == 3);
}
