// The account: exact, repeatable, and checked before anything is allocated.
#include "tests/backend/cpu_support.h"
#include "tuner/backend/cpu/account.h"
#include "tuner/workload/zoo.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

Candidate batch_of(std::int64_t batch) {
  return {options_of(DType::f32).group, batch};
}

}  // namespace

TEST_CASE("a program fits at exactly its own bytes and not at one less", "[cpu][memory]") {
  for (const char* name : {"mlp@width=64", "squeezenet"}) {
    const Model model = build_zoo_model(name).value();
    LoadOptions options = options_of(DType::f32);
    const Bytes need = prepare_ok(*load_ok(model, options), 3)->memory().total();
    INFO(name << " needs " << need);
    options.account_limit = need;
    CHECK(load_ok(model, options)->prepare(batch_of(3)));
    options.account_limit = need - 1;
    const auto program = load_ok(model, options)->prepare(batch_of(3));
    REQUIRE_FALSE(program);
    CHECK(program.error().status == TrialStatus::out_of_memory);
    CHECK(program.error().evidence.find("account: wanted ") == 0);
    CHECK(program.error().evidence.find(std::to_string(need) + " of " + std::to_string(need - 1)) !=
          std::string::npos);
    CHECK(program.error().where == "host");
  }
}

TEST_CASE("where the machine has less than the limit, the machine decides", "[cpu][memory]") {
  cpu::Account account(300, 200);
  CHECK(account.charge(200, "all of it"));
  CHECK(account.charge(201, "more").error().evidence.find("machine: wanted 201 ") == 0);
  cpu::Account limited(200, 200);
  CHECK(limited.charge(201, "more").error().evidence.find("account: wanted 201 ") == 0);
}

TEST_CASE("programs share the weights and give their own bytes back", "[cpu][memory]") {
  const auto model = load_ok(build_zoo_model("squeezenet").value(), options_of(DType::f32));
  CHECK(model->shares_weights());
  CHECK(model->account().used() == model->weight_bytes());
  {
    const auto one = prepare_ok(*model, 1), two = prepare_ok(*model, 2);
    const MemoryUse a = one->memory(), b = two->memory();
    CHECK(a.weights == b.weights);
    CHECK(b.activations > a.activations);
    CHECK(model->account().used() ==
          a.weights + a.activations + a.workspace + b.activations + b.workspace);
    CHECK(a.kind == MemoryKind::account);
  }
  CHECK(model->account().used() == model->weight_bytes());
}

TEST_CASE("weights are packed with little waste", "[cpu][memory]") {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    const Model model = build_zoo_model("resnet-18").value();
    const auto loaded = load_ok(model, options_of(dtype));
    const auto plain = static_cast<double>(weight_bytes(model, dtype));
    CHECK(static_cast<double>(loaded->weight_bytes()) >= plain);
    CHECK(static_cast<double>(loaded->weight_bytes()) < 1.05 * plain);
  }
}

TEST_CASE("weights that pass the limit are out of memory at loading", "[cpu][memory]") {
  LoadOptions options = options_of(DType::f32);
  options.account_limit = 1 << 20;
  cpu::CpuBackend backend;
  LoadReport report;
  const auto loaded = backend.load(build_zoo_model("mlp").value(), options, report);
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().status == TrialStatus::out_of_memory);
  CHECK(loaded.error().reason == "no memory for weights of fc1");
}

TEST_CASE("an absurd batch is out of memory, not an overflow", "[cpu][memory]") {
  const auto model = load_ok(build_zoo_model("mlp@width=64").value(), options_of(DType::f32));
  for (const std::int64_t batch : {std::int64_t{1'000'000'000'000}, std::int64_t{INT64_MAX}}) {
    const auto program = model->prepare(batch_of(batch));
    REQUIRE_FALSE(program);
    CHECK(program.error().status == TrialStatus::out_of_memory);
    CHECK(program.error().evidence.find("machine: wanted ") == 0);
  }
  for (const std::int64_t batch : {std::int64_t{0}, std::int64_t{-1}, INT64_MIN}) {
    const auto program = model->prepare(batch_of(batch));
    REQUIRE_FALSE(program);
    CHECK(program.error().status == TrialStatus::unsupported);
  }
}
