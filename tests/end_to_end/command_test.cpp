// Programs tuned by a command through the command line, the examples among them. The awk and shell
// programs need nothing; those of Python are skipped without it.
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/end_to_end/document.h"
#include "tests/end_to_end/program.h"
#include "tests/support/catch.h"

using namespace batchtune;
using namespace batchtune::test;
using Json = nlohmann::json;

namespace {

const std::string kExamples = BT_EXAMPLES "/command/";

// With a memory end at batch 4, as a device tells it; before that 0.1 ms and a sample's 0.05 ms.
std::string fake_program() {
  const std::string path = scratch("fake.sh");
  std::ofstream(path) << "batch=$1\n"
                         "if [ $batch -ge 4 ]; then\n"
                         "  echo 'torch.OutOfMemoryError: CUDA out of memory.' >&2; exit 1\n"
                         "fi\n"
                         "for i in $(seq $2); do echo \"$((100 + 50 * batch)) us\"; done\n"
                         "sleep $(awk \"BEGIN { print 0.05 + $2 * (100 + 50 * $batch) / 1e6 }\")\n";
  return path;
}

std::vector<std::string> measured(const std::string& command, const std::string& batches,
                                  const std::vector<std::string>& more = {},
                                  const std::string& budget = "2s") {
  std::vector<std::string> arguments{
      "measure", "mlp",      "--backend", "command",    "--command", command,    "--batches",
      batches,   "--budget", budget,      "--boundary", "none",      "--format", "json"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

std::string status_of(const Json& document, int batch) {
  for (const Json& trial : document.at("trials"))
    if (trial.at("batch") == batch) return trial.at("status");
  return "none";
}

// Each batch was measured: on a busy machine it may be too noisy to rank.
void check_measured(const Json& document, const std::vector<int>& batches) {
  for (const int batch : batches) {
    INFO(document.at("trials").dump(1));
    const std::string status = status_of(document, batch);
    CHECK((status == "ok" || status == "unstable"));
  }
}

bool has_python() {
  return std::system("python3 -c pass >/dev/null 2>&1") == 0;
}

}  // namespace

TEST_CASE("a command is tuned up to the batch at which it says that memory ends",
          "[end_to_end][command]") {
  fresh_database();
  const Finished finished =
      run({"tune", "mlp", "--backend", "command", "--command",
           "sh " + fake_program() + " {batch} {n}", "--env", "A=1,2", "--batches", "1,2,4",
           "--budget", "5s", "--soak", "1s", "--format", "json"});
  INFO(finished.err);
  const Json document = document_of(finished);
  CHECK(finished.code == 0);
  CHECK(document.at("best").at("batch") == 2);
  check_measured(document, {1, 2});
  CHECK(status_of(document, 4) == "out_of_memory");
  for (const Json& trial : document.at("trials")) {
    CHECK(trial.at("candidate").at("instances") == 1);
    if (trial.at("batch") == 4)
      CHECK(trial.dump().find("torch.OutOfMemoryError: CUDA out of memory.") != std::string::npos);
    if (trial.at("batch") == 2)
      CHECK(trial.at("latency").at("undisturbed").get<double>() == Approx(200e-6));
  }
  const Json& settings = document.at("settings");
  CHECK(settings.at("requested").dump().find("A=1,2") != std::string::npos);
  CHECK(settings.at("effective").contains("command.outputs"));

  const Finished again = run({"tune", "--extend", "last", "--budget", "1s", "--format", "json"});
  CHECK(document_of(again).at("best").at("batch") == 2);  // the command came from the session
}

TEST_CASE("commands that crash, hang or are not there are told and cost one trial",
          "[end_to_end][command]") {
  fresh_database();
  const Finished finished = run(
      measured("sh -c 'case {batch} in 2) kill -SEGV $$;; 3) sleep 60;; 5) exit 3;; 6) echo what;; "
               "esac; echo 1ms; sleep 0.05' x",
               "1,2,3,5,6", {"--timeout", "2s"}, "20s"));
  const Json document = document_of(finished);
  check_measured(document, {1});
  CHECK(status_of(document, 2) == "crashed");
  CHECK(status_of(document, 3) == "timeout");
  CHECK(status_of(document, 5) == "failed");
  const Finished missing = run(measured("no_such_program_here {batch}", "1"));
  CHECK(missing.code == 4);
  CHECK(missing.err.find("no_such_program_here") != std::string::npos);
  const Finished none = run({"measure", "mlp", "--backend", "command", "--batches", "1"});
  CHECK(none.code == 2);
  CHECK(none.err.find("--command") != std::string::npos);
  const Finished other =
      run({"measure", "mlp", "--backend", "simulated", "--batches", "1", "--command", "x"});
  CHECK(other.code == 2);
}

TEST_CASE("cleanup comes behind every setup, also where a worker hangs or is killed",
          "[end_to_end][command]") {
  fresh_database();
  const std::string log = scratch("cleanup.log");
  std::remove(log.c_str());
  const Finished finished = run(measured(
      "case {batch} in 2) sleep 60;; 3) kill -9 $PPID;; esac; "
      "for i in $(seq {n}); do echo 100us; done; sleep 0.02",
      "1,2,3",
      {"--timeout", "2s", "--setup", "echo setup >> " + log, "--cleanup", "echo cleanup >> " + log},
      "10s"));
  const Json document = document_of(finished);
  check_measured(document, {1});
  CHECK(status_of(document, 2) == "timeout");
  CHECK(status_of(document, 3) == "crashed");
  std::ifstream file(log);
  int setups = 0, cleanups = 0;
  for (std::string line; std::getline(file, line);) {
    (line == "setup" ? setups : cleanups) += 1;
    CHECK(cleanups <= setups);
    CHECK(setups <= cleanups + 1);  // none begins before the one before it is cleaned up
  }
  CHECK(setups >= 3);
  CHECK(cleanups == setups);
}

TEST_CASE("the example programs are measured", "[end_to_end][command]") {
  fresh_database();
  check_measured(document_of(run(measured("sh " + kExamples + "matmul.sh {batch}", "1,64",
                                          {"--time", "process"}))),
                 {1, 64});
  if (!has_python()) BT_SKIP("there is no python3");
  check_measured(document_of(run(measured(
                     "python3 " + kExamples + "printed.py --batch {batch} --runs {n}", "1,64"))),
                 {1, 64});
  const Json served = document_of(run(measured("python3 " + kExamples + "server.py --largest 64",
                                               "1,64,128", {"--time", "server"})));
  check_measured(served, {1, 64});
  CHECK(status_of(served, 128) == "out_of_memory");
}

TEST_CASE("a KServe-v2 endpoint is driven by the example", "[end_to_end][command]") {
  if (!has_python()) BT_SKIP("there is no python3");
  fresh_database();
  const std::string server = scratch("kserve_stand_in.py"), address = scratch("address");
  std::ofstream(server)
      << "import http.server, json, sys\n"
         "class Handler(http.server.BaseHTTPRequestHandler):\n"
         "    def say(self, status, body):\n"
         "        self.send_response(status)\n"
         "        self.end_headers()\n"
         "        self.wfile.write(json.dumps(body).encode())\n"
         "    def do_GET(self):\n"
         "        self.say(200, {'inputs': [{'name': 'x'}]})\n"
         "    def do_POST(self):\n"
         "        size = int(self.headers['Content-Length'])\n"
         "        tensor = json.loads(self.rfile.read(size))['inputs'][0]\n"
         "        full = tensor['shape'][0] > 4 or tensor['name'] != 'x'\n"
         "        self.say(500 if full else 200, {'error': 'CUDA out of memory'} if full else {})\n"
         "    def log_message(self, *arguments):\n"
         "        pass\n"
         "server = http.server.HTTPServer(('127.0.0.1', 0), Handler)\n"
         "open(sys.argv[1], 'w').write('http://127.0.0.1:%d' % server.server_port)\n"
         "server.serve_forever()\n";
  // For as long as this process lives, 100 s at most.
  REQUIRE(std::system(
              ("timeout 100 python3 " + server + " " + address + " >/dev/null 2>&1 &").c_str()) ==
          0);
  std::string url;
  REQUIRE(
      eventually(20, [&] { return static_cast<bool>(std::getline(std::ifstream(address), url)); }));
  const Json document = document_of(run(measured(
      "python3 " + kExamples + "kserve_v2.py " + url + " any --shape 8 --batch {batch} --runs {n}",
      "1,4,8")));
  check_measured(document, {1, 4});
  CHECK(status_of(document, 8) == "out_of_memory");
}
