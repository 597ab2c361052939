// Plans of training jobs and the lines that set a batch, as they are shown.
#include "reports/how_to_set.h"
#include "reports/plan_report.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "tests/reports/fixture.h"
#include "tests/reports/schema.h"
#include "tests/support/catch.h"

using namespace batchtune;
using namespace batchtune::test;
using Json = nlohmann::json;

namespace {

MicroBatch micro(std::int64_t size, std::int64_t steps, double bytes, bool fits) {
  return {.size = size, .steps = steps, .bytes = bytes, .idle = 0, .fits = fits};
}

PlanReport full_plan() {
  PlanReport report;
  report.model = {"bert-large", "00112233445566aa", 334.1e6, 78.9e9, 302e6, 77.3e9, 202e6};
  report.optimizer = "adam";
  report.optimizer_words = "two f32 moments (AdamW and LAMB too), f32 weights beside";
  report.optimizer_bytes = 12;
  report.state_bytes = 4;
  report.memory_source = "a core of trn1";
  TrainingPlan& plan = report.plan;
  plan.global_batch = 1024;
  plan.replica_batch = plan.worker_batch = 128;
  plan.data_parallel = plan.workers = 8;
  plan.memory = {.parameters = 334.1e6,
                 .weight_bytes = 668.2e6,
                 .gradient_bytes = 668.2e6,
                 .optimizer_bytes = 4.009e9,
                 .forward_bytes_per_sample = 101.2e6,
                 .activation_bytes_per_sample = 126.4e6,
                 .memory_bytes = 17.18e9,
                 .free_bytes = 11.83e9,
                 .batch = 93};
  plan.formula = TrainingFormula{};
  plan.formula->batch = 8;
  plan.splits = {micro(128, 1, 21.5e9, false), micro(64, 2, 13.4e9, true), micro(32, 4, 9.39e9, true),
                 micro(1, 128, 5.47e9, true)};
  plan.chosen = plan.splits[1];
  plan.reason = "the largest divisor of 128 that fits: 128 would need 20.0 GiB of 16.0 GiB";
  return report;
}

PlanReport impossible_plan() {
  PlanReport report = full_plan();
  report.optimizer.clear();
  report.optimizer_words.clear();
  TrainingPlan& plan = report.plan;
  plan.workers = 2;
  plan.worker_batch = 512;
  plan.memory.memory_bytes = 4e9;
  plan.memory.free_bytes = -1.3e9;
  plan.memory.batch = 0;
  for (MicroBatch& split : plan.splits) split.fits = false;
  plan.chosen.reset();
  plan.reason = "weights, gradients and optimizer state alone need 4.98 GiB of 3.73 GiB";
  plan.levers = {{"--tp 2 (16 cores)", 16}, {"5.09 GiB of memory for each core", 1}};
  return report;
}

PlanReport pipelined_plan() {
  PlanReport report = full_plan();
  report.sharded = true;
  TrainingPlan& plan = report.plan;
  plan.pipeline_parallel = 2;
  plan.tensor_parallel = 4;
  plan.workers = 16;
  plan.nearby = {{1008, micro(63, 2, 13.4e9, true)}};
  for (MicroBatch& split : plan.splits) split.idle = 1.0 / static_cast<double>(split.steps + 1);
  return report;
}

PlanReport plan_without_memory() {
  PlanReport report = full_plan();
  report.memory_source.clear();
  TrainingPlan& plan = report.plan;
  plan.memory.memory_bytes = plan.memory.free_bytes = 0;
  plan.memory.batch = 0;
  plan.formula.reset();
  plan.chosen.reset();
  plan.reason = "the memory of a core is not known, so every micro-batch is listed with what it needs";
  return report;
}

HowToSet deployed(Deployment deployment, const std::string& backend) {
  HowToSet what;
  what.session = 12;
  what.model = "resnet-50";
  what.inputs = {{"image", {3, 224, 224}, false, 0}};
  what.dense_parameters = 25.5e6;
  what.candidate.group.backend = backend;
  what.candidate.group.threads = 2;
  what.candidate.batch = 8;
  what.deployment = deployment;
  return what;
}

// Two cores with two requests in flight on each, for a mix of users.
HowToSet deployed_on_neuron() {
  HowToSet what = deployed(Deployment::neuron, "neuron");
  what.candidate.group.dtype = DType::bf16;
  what.candidate.group.threads = 1;
  what.candidate.group.instances = 4;
  what.candidate.group.cores = 2;
  what.candidate.group.variant = "fast";
  what.device = "trn1";
  what.target = "trn1";
  what.compiler_arguments = "--auto-cast all -O3";
  what.users = {{1, 0.4}, {12, 0.6}};
  return what;
}

HowToSet deployed_on_inferentia() {
  HowToSet what = deployed(Deployment::inferentia, "simulated");
  what.model = "bert-large@seq=64";
  what.inputs = {{"tokens", {64}, true, 30522}};
  what.dense_parameters = 302e6;
  what.device = "inferentia";
  what.strict_latency = true;
  what.simulated = true;
  return what;
}

HowToSet deployed_file(const std::string& backend, Deployment deployment) {
  HowToSet what = deployed(deployment, backend);
  what.model = "my model's \"best\"";
  what.file = "/home/me/my model's.onnx";
  what.inputs = {{"input ids", {128}, true, 100}, {"mask", {128}, false, 0}};
  what.candidate.group.instances = 2;
  what.candidate.group.compiled_batch = 4;
  what.candidate.batch = 12;
  return what;
}

HowToSet deployed_command() {
  HowToSet what = deployed(Deployment::command, "command");
  what.command = "./bench.py --batch {batch} --threads {threads} --type {dtype} --seq {seq} --runs {n}";
  what.candidate.group.dims = {{"seq", 128}};
  return what;
}

std::vector<HowToSet> all_deployments() {
  return {deployed(Deployment::own_kernels, "cpu"),     deployed_on_neuron(),
          deployed_on_inferentia(),                     deployed_file("onnxruntime", Deployment::onnxruntime),
          deployed_file("openvino", Deployment::openvino), deployed_command(),
          deployed(Deployment::plugin, "mydevice"),     deployed(Deployment::simulated, "simulated")};
}

std::string lines_of(const HowToSet& what) {
  std::string all;
  for (const SettingLines& block : setting_lines(what))
    for (const std::string& line : block.lines) all += line + "\n";
  return all;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("plans read as approved", "[reports][golden]") {
  check_golden("plan.txt", text_plan(full_plan(), {}));
  check_golden("plan_narrow.txt", text_plan(pipelined_plan(), {.width = 60}));
  check_golden("plan_nothing_fits.txt", text_plan(impossible_plan(), {}));
  check_golden("plan_without_memory.txt", text_plan(plan_without_memory(), {}));
  check_golden("plan.json", json_plan(full_plan()));
}

TEST_CASE("plan documents fit their schema", "[reports][json]") {
  for (const PlanReport& report : {full_plan(), impossible_plan(), pipelined_plan(), plan_without_memory()})
    check_valid("plan.schema.json", json_plan(report));
  const Json unknown = Json::parse(json_plan(plan_without_memory()));
  CHECK(unknown["memory"]["total"].is_null());  // not known is not 0
  CHECK(unknown["memory"]["largest_micro_batch"].is_null());
  CHECK(unknown["chosen"].is_null());
  CHECK(Json::parse(json_plan(full_plan()))["chosen"]["micro_batch"] == 64);
}

TEST_CASE("a plan is also a table and a number", "[reports]") {
  CHECK(csv_plan(full_plan()).find("\n64,2,13400000000,0,true,true\n") != std::string::npos);
  CHECK(quiet_plan(full_plan()) == "64\n");
  CHECK(quiet_plan(impossible_plan()) == "none\n");
}

TEST_CASE("a plan of many divisors shows those around its choice", "[reports]") {
  PlanReport report = full_plan();
  report.plan.splits.clear();
  for (std::int64_t size = 40; size > 0; --size)
    report.plan.splits.push_back(micro(size, 1, 1e9, size <= 30));
  report.plan.chosen = report.plan.splits[10];  // 30
  const std::string text = text_plan(report, {});
  CHECK(contains(text, "and 28 more"));
  CHECK(contains(text, ">           30"));
  CHECK(contains(text, "            32"));
  CHECK_FALSE(contains(text, "            33"));
}

TEST_CASE("no plan says NaN or infinity", "[reports][property]") {
  for (const double odd : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    PlanReport report = full_plan();
    report.plan.memory.weight_bytes = report.plan.memory.activation_bytes_per_sample = odd;
    report.plan.splits[0].bytes = odd;
    report.model.parameters = odd;
    for (const std::string& text : {text_plan(report, {}), json_plan(report), csv_plan(report)}) {
      CHECK_FALSE(contains(text, "nan"));
      CHECK_FALSE(contains(text, "inf,"));
      CHECK_FALSE(contains(text, " inf"));
    }
  }
}

TEST_CASE("how to set a batch reads as approved", "[reports][golden]") {
  check_golden("how_to_set_cpu.txt", text_how_to_set(deployed(Deployment::own_kernels, "cpu"), {}));
  check_golden("how_to_set_neuron.txt", text_how_to_set(deployed_on_neuron(), {}));
  check_golden("how_to_set_inferentia.txt", text_how_to_set(deployed_on_inferentia(), {}));
  check_golden("how_to_set_onnxruntime.txt",
               text_how_to_set(deployed_file("onnxruntime", Deployment::onnxruntime), {}));
  check_golden("how_to_set_openvino.txt", text_how_to_set(deployed_file("openvino", Deployment::openvino), {}));
  check_golden("how_to_set_command.txt", text_how_to_set(deployed_command(), {}));
  check_golden("how_to_set.json", json_how_to_set(deployed_on_neuron()));
}

TEST_CASE("documents of how to set a batch fit their schema", "[reports][json]") {
  for (const HowToSet& what : all_deployments()) {
    check_valid("how_to_set.schema.json", json_how_to_set(what));
    CHECK_FALSE(setting_lines(what).empty());
  }
  check_valid("how_to_set.schema.json", json_how_to_set(std::nullopt));
  CHECK(Json::parse(json_how_to_set(std::nullopt))["how_to_set"].empty());
  CHECK(contains(text_how_to_set(std::nullopt, {}), "chosen no batch"));
}

TEST_CASE("lines are of the runtime that was measured", "[reports]") {
  const std::string neuron = lines_of(deployed_on_neuron());
  CHECK(contains(neuron, "torch.rand([8, 3, 224, 224], dtype=torch.bfloat16)"));
  CHECK(contains(neuron, "compiler_args=[\"--auto-cast\", \"all\", \"-O3\"]"));
  CHECK(contains(neuron, "torch_neuronx.dynamic_batch(neuron)"));
  CHECK(contains(neuron, "device_ids=[0, 1]"));
  CHECK(contains(neuron, "num_workers = 4"));
  CHECK(contains(neuron, "--target trn1"));
  CHECK_FALSE(contains(neuron, "openvino"));
  const std::string inferentia = lines_of(deployed_on_inferentia());
  CHECK(contains(inferentia, "torch.neuron.trace(model, example, dynamic_batch_size=True)"));
  CHECK(contains(inferentia, "\"--neuroncore-pipeline-cores\", \"60\""));  // 4 x round(302 / 20)
  CHECK_FALSE(contains(inferentia, "torch_neuronx"));
  HowToSet relaxed = deployed_on_inferentia();
  relaxed.strict_latency = false;
  CHECK_FALSE(contains(lines_of(relaxed), "pipeline"));
  CHECK(contains(lines_of(deployed_command()),
                 "./bench.py --batch 8 --threads 2 --type f32 --seq 128 --runs {n}"));
}

TEST_CASE("names from files cannot break out of a line", "[reports]") {
  HowToSet what = deployed_file("openvino", Deployment::openvino);
  what.file = "/tmp/$(touch x); 'y' \"z\"\\.onnx";
  const std::string lines = lines_of(what);
  CHECK(contains(lines, "core.read_model(\"/tmp/$(touch x); 'y' \\\"z\\\"\\\\.onnx\")"));
  CHECK(contains(lines, "-m '/tmp/$(touch x); '\\''y'\\'' \"z\"\\.onnx' "));
}

TEST_CASE("verdicts of the first Inferentia name the pipeline where latency is limited", "[reports]") {
  TuneReport report = full_report();  // with latency limits
  report.record.header.devices[0].name = "inferentia, simulated";
  CHECK(contains(text_report(report, {.width = 400}), "where latency is strict, NeuronCore Pipeline over 4 cores"));
  CHECK(contains(text_why(report, {.width = 400}), "NeuronCore Pipeline over 4 cores"));
  const std::string document = json_report({report});
  CHECK(Json::parse(document)["verdicts"][0]["pipeline_cores"] == 4);
  check_valid("tune.schema.json", document);
  report.record.header.wishes.latency_limits.clear();
  CHECK_FALSE(contains(text_report(report, {}), "Pipeline"));
  report.record.header.wishes.objective = Objective::latency;
  CHECK(contains(text_report(report, {}), "Pipeline"));
  report.record.header.devices[0].name = "inferentia2";
  CHECK_FALSE(contains(text_report(report, {}), "Pipeline"));
}
