// The parts of the command backend that start nothing: parameters, substitution, what is printed,
// rules.
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tuner/backend/backend_list.h"
#include "tuner/backend/command/latencies.h"
#include "tuner/backend/command/options.h"
#include "tuner/backend/command/printed_lines.h"
#include "tuner/backend/command/rules.h"
#include "tuner/backend/command/substitution.h"

using namespace batchtune;
using namespace batchtune::command;

extern "C" int fuzz_command_output(const std::uint8_t* data, std::size_t size);

namespace {

using Numbers = std::vector<Seconds>;

Numbers latencies_of(const std::string& text) {
  const auto latencies = parse_latencies(text);
  INFO((latencies ? std::string() : latencies.error()));
  REQUIRE(latencies.has_value());
  return *latencies;
}

std::string refusal_of(const std::string& text) {
  const auto latencies = parse_latencies(text);
  REQUIRE_FALSE(latencies.has_value());
  return latencies.error();
}

Values some_values() {
  return values_of({{"command", DType::bf16, 2, 1, {{"seq", 128}}}, 8}, 3, 42);
}

std::string google_benchmark(const std::string& runs) {
  return "{\n  \"context\": {\"date\": \"2026\"},\n  \"benchmarks\": [" + runs + "]\n}\n";
}

std::string one_run(const std::string& name, const std::string& time,
                    const std::string& more = "") {
  return "{\"name\": \"" + name + "\", \"run_name\": \"" + name +
         "\", \"run_type\": \"iteration\", \"real_time\": " + time + more + "}";
}

}  // namespace

TEST_CASE("parameters of a command survive commas, colons and percent signs", "[command]") {
  const std::string text = "./bench.py --list 1,2 --rate 50% 'a:b=c' {batch}\nnext";
  const std::string spec = with_parameter("command", "command", escape(text));
  CHECK(split_backend_list(spec).size() == 1);
  const auto settings = parse_settings(split_backend_spec(spec).parameters);
  REQUIRE(settings.has_value());
  CHECK(settings->command == text);
  CHECK(unescape("date +%25 %zz %2C") == "date +% %zz ,");  // what is no escape stays
}

TEST_CASE("settings of a command are checked", "[command]") {
  const auto settings =
      parse_settings("command=x {batch},time=process,runs=3,setup=s,cleanup=c,env=A=1%0AB_2=x=y");
  REQUIRE(settings.has_value());
  CHECK(settings->timing == Timing::process);
  CHECK(settings->runs == 3);
  CHECK(settings->setup == "s");
  CHECK(settings->cleanup == "c");
  CHECK(settings->environment == std::vector<std::string>{"A=1", "B_2=x=y"});
  for (const char* wrong :
       {"", "time=process", "command=x,time=wall", "command=x,time=process,runs=0",
        "command=x,time=process,runs=many", "command=x,runs=3", "command=x,env=1A=2",
        "command=x,env=novalue", "command=x,command=y", "command=x,unknown=1"}) {
    INFO(wrong);
    const auto refused = parse_settings(wrong);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().where.find("command") == 0);
  }
}

TEST_CASE("placeholders are filled in, and a shell's own braces stay", "[command]") {
  const Values values = some_values();
  CHECK(substitute("x {batch} {n} {threads} {instances} {dtype} {seed} {seq}", values) ==
        "x 8 3 2 1 bf16 42 128");
  for (const char* same : {"${batch}", "{other}", "{ batch }", "awk '{print $1}'", "{a,b}", "{",
                           "}{", "{{}}", "{batch"})
    CHECK(substitute(same, values) == same);
  CHECK(substitute("{{batch}}", values) == "{8}");
  CHECK(substitute("{batch}{batch}", values) == "88");
}

TEST_CASE("a command's environment has what its text has", "[command]") {
  const std::vector<std::string> entries = environment_of(some_values());
  for (const char* expected : {"BATCHTUNE_BATCH=8", "BATCHTUNE_N=3", "BATCHTUNE_THREADS=2",
                               "BATCHTUNE_DTYPE=bf16", "BATCHTUNE_SEQ=128"})
    CHECK(std::count(entries.begin(), entries.end(), expected) == 1);
}

TEST_CASE("numbers a line are latencies, with units or in seconds", "[command]") {
  CHECK(latencies_of("0.5\n12.5 ms\n  3us \r\n40ns\n2\xC2\xB5s\n1.5s\n+1e-3") ==
        Numbers{0.5, 12.5 * 1e-3, 3 * 1e-6, 40 * 1e-9, 2 * 1e-6, 1.5, 1e-3});
  CHECK(latencies_of("").empty());
  CHECK(latencies_of("\n\n\n").empty());
}

TEST_CASE("lines of other forms are logs", "[command]") {
  CHECK(
      latencies_of("loading\n0.25\n12 apples\n{not json\n[1, 2]\n3 ms per run\n{\"step\": 1}\n") ==
      Numbers{0.25});
  CHECK(latencies_of("\xFF\xFE\x80 garbage \n0.25\n") == Numbers{0.25});
}

TEST_CASE("a number that is no latency is refused with its line", "[command]") {
  for (const char* wrong : {"0.1\n-0.2", "0.1\n0", "0.1\nnan", "0.1\ninf", "0.1\n1e999"})
    CHECK(refusal_of(wrong).find("line 2") == 0);
}

TEST_CASE("JSON lines have one latency or several", "[command]") {
  CHECK(latencies_of("{\"latency\": 0.25}\n{\"latencies\": [0.5, 1]}\n{\"latencies\": []}") ==
        Numbers{0.25, 0.5, 1});
  for (const char* wrong :
       {"{\"latency\": \"fast\"}", "{\"latency\": -1}", "{\"latency\": null}", "{\"latencies\": 3}",
        "{\"latencies\": [0.1, \"x\"]}", "{\"latencies\": [0]}"})
    CHECK(refusal_of(wrong).find("line 1") == 0);
}

TEST_CASE("a Google Benchmark document gives each iteration's real time", "[command]") {
  const std::string unit = ", \"time_unit\": \"us\"";
  const std::string aggregate =
      "{\"name\": \"a_mean\", \"run_name\": \"a\", \"run_type\": \"aggregate\", \"real_time\": 9}";
  CHECK(latencies_of("a log line\n" +
                     google_benchmark(one_run("a", "250", unit) + "," + one_run("a", "300", unit) +
                                      "," + aggregate)) == Numbers{250 * 1e-6, 300 * 1e-6});
  CHECK(latencies_of(google_benchmark(one_run("a", "1e6"))) == Numbers{1e6 * 1e-9});
  CHECK(refusal_of(google_benchmark(one_run("a", "1") + "," + one_run("b", "1")))
            .find("--benchmark_filter") != std::string::npos);
  CHECK(refusal_of(google_benchmark(one_run("a", "0", unit))).find("real_time") !=
        std::string::npos);
  CHECK(refusal_of(google_benchmark(
                       one_run("a", "1", ", \"error_occurred\": true, \"error_message\": \"no\"")))
            .find("no") != std::string::npos);
}

TEST_CASE("messages of frameworks about memory are known", "[command]") {
  const std::vector<Rule>& rules = built_in_rules();
  const auto where_of = [&](const std::string& line) {
    const std::size_t rule = find_rule(rules, line);
    return rule < rules.size() ? rules[rule].where : std::string("none");
  };
  for (const char* line :
       {"torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB.",
        "RuntimeError: CUDA error: out of memory",
        "jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory while trying to",
        "CUDA failure 2: out of memory ; GPU=0", "cudaErrorMemoryAllocation",
        "CUDA error 2 at ggml-cuda.cu:12: out of memory", "CUDNN_STATUS_ALLOC_FAILED",
        "ERROR  NRT_RESOURCE (4)"})
    CHECK(where_of(line) == "device");
  for (const char* line :
       {"terminate called after throwing an instance of 'std::bad_alloc'", "MemoryError",
        "numpy.core._exceptions._ArrayMemoryError: Unable to allocate 8.00 GiB for an array",
        "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Failed to allocate memory for requested "
        "buffer",
        "RuntimeError: [enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"})
    CHECK(where_of(line) == "host");
  for (const char* line : {"", "CUDA error 209", "a segmentation fault", "AssertionError"})
    CHECK(where_of(line) == "none");
}

TEST_CASE("rules of a file come first, and are told by line where they are wrong", "[command]") {
  const auto rules = parse_rules(
      "# of our accelerator\n\n  out_of_memory device  Arena is Full \r\nunsupported - shape too "
      "large\n",
      "r");
  REQUIRE(rules.has_value());
  CHECK(*rules == std::vector<Rule>{{"arena is full", TrialStatus::out_of_memory, "device"},
                                    {"shape too large", TrialStatus::unsupported, ""}});
  CHECK(find_rule(*rules, "E: the ARENA IS FULL!") == 0);
  for (const char* wrong :
       {"out_of_memory device", "out_of_memory - x", "ok - x", "timeout - x", "failed host x",
        "nonsense device x", "out_of_memory gpu x", "failed"}) {
    const auto refused = parse_rules("# fine\n" + std::string(wrong), "rules.txt");
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().where == "rules.txt:2");
  }
  CHECK_FALSE(rules_with("/nowhere/rules.txt").has_value());
}

TEST_CASE("lines for a report are printable, whatever was printed", "[command]") {
  CHECK(made_printable("  a\tb\x1B[0m ") == "a b [0m");
  CHECK(made_printable("\xC3\xA4 \xC3 \xED\xA0\x80 \xF5") == "\xC3\xA4 ? ??? ?");
  CHECK(made_printable(std::string(5000, 'x')).size() < 310);
  CHECK(made_printable(std::string(1, '\0')).empty());
}

TEST_CASE("of what is printed the last lines and the telling one are kept", "[command]") {
  PrintedLines lines(built_in_rules());
  lines.add("MemoryErr");
  lines.add("or: first\nMemoryError: second\n" + std::string(1 << 20, 'y'));
  for (int i = 0; i < 100; ++i) lines.add("\nline " + std::to_string(i));
  lines.finish();
  CHECK(lines.telling_line() == "MemoryError: second");
  CHECK(lines.last().back() == "line 99");
  CHECK(lines.last().size() <= 10);
}

TEST_CASE("mutated output is read or refused", "[command]") {
  const std::string seeds[] = {"0.5\n12.5 ms\n", "{\"latencies\": [0.5, 1]}\n{\"latency\": 2}\n",
                               google_benchmark(one_run("a", "250", ", \"time_unit\": \"us\""))};
  std::mt19937 random(7);
  for (const std::string& seed : seeds)
    for (int i = 0; i < 2000; ++i) {
      std::string bytes = seed;
      for (int changes = static_cast<int>(random() % 4); changes >= 0; --changes)
        bytes[random() % bytes.size()] = static_cast<char>(random());
      if (random() % 4 == 0) bytes.resize(random() % bytes.size());
      fuzz_command_output(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    }
}
