// What a command is told of a file of samples, and what becomes of one that does not ask for it.
#include <memory>
#include <string>

#include "tests/support/catch.h"
#include "tuner/backend/command/command_backend.h"
#include "tuner/backend/command/options.h"
#include "tuner/backend/command/substitution.h"

using namespace batchtune;

namespace {

const std::string kPath = "/tmp/it's here/a b.npz";

Outcome<std::unique_ptr<Program>> prepare(const std::string& text, const std::string& input,
                                          const std::string& more = "") {
  const auto backend = command::create_backend("command=" + command::escape(text) + more);
  REQUIRE(backend.has_value());
  LoadOptions options;
  options.group = {"command", DType::f32, 1, 1, {}};
  options.input_file = input;
  LoadReport report;
  Model model;
  model.name = "any";
  static std::unique_ptr<LoadedModel> kept;  // a program must not outlive it
  BT_TRY(loaded, (*backend)->load(model, options, report));
  kept = std::move(loaded);
  return kept->prepare({options.group, 1});
}

}  // namespace

TEST_CASE("a command gets the path of the samples as one word, and in its environment",
          "[command][samples]") {
  CHECK(command::shell_quoted(kPath) == "'/tmp/it'\\''s here/a b.npz'");
  // Prints a latency only where both are the path.
  const std::string checks = "one() { test $# -eq 1 -a \"$1\" = \"$BATCHTUNE_INPUT\" && echo 1ms; }; one {input}";
  const auto program = prepare(checks, kPath);
  INFO((program ? "" : program.error().reason + "; " + program.error().evidence));
  REQUIRE(program.has_value());
  CHECK((*program)->run(1)->seconds == std::vector<Seconds>{1e-3});
  CHECK(prepare("test -n \"$BATCHTUNE_INPUT\" && echo 1ms", kPath).has_value());
}

TEST_CASE("a command that would compute on other samples is unsupported", "[command][samples]") {
  const auto refused = prepare("echo 1ms", kPath);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().status == TrialStatus::unsupported);
  CHECK(refused.error().reason.find("{input}") != std::string::npos);
  CHECK(prepare("echo 1ms", "").has_value());
  // Without a file the placeholder is no placeholder.
  CHECK(prepare("test {input} = '{input}' && echo 1ms", "").has_value());
}

TEST_CASE("a server is told of the samples when it prepares", "[command][samples]") {
  const std::string server =
      "echo '{\"batchtune\": 1}'; while read line; do case \"$line\" in "
      "*prepare*'\"input\":\"/tmp/it'*) echo '{\"ready\": true}';; "
      "*prepare*) echo '{\"error\": \"no input\"}';; "
      "*run*) echo '{\"latencies\": [0.001]}';; *memory*) echo '{\"memory\": null}';; esac; done";
  CHECK(prepare(server, kPath, ",time=server").has_value());
  CHECK_FALSE(prepare(server, "", ",time=server").has_value());
}
