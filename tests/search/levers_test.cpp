// What would help where nothing keeps the limits, and why.
#include "tuner/search/levers.h"

#include <algorithm>
#include <vector>

#include "tests/search/scripted_measurer.h"
#include "tests/support/catch.h"
#include "tuner/search/conclude.h"

using namespace batchtune;

namespace {

CandidateGroup group_of(int threads, int instances) {
  CandidateGroup group = test_group();
  group.threads = threads;
  group.instances = instances;
  return group;
}

Trial measured(const CandidateGroup& group, std::int64_t batch, Seconds latency) {
  Trial trial;
  trial.candidate = {group, batch};
  trial.measurement = Measurement{};
  trial.measurement->undisturbed = latency;
  trial.measurement->throughput_undisturbed =
      static_cast<double>(batch) * group.instances / latency;
  return trial;
}

SessionHeader header_of(int cores) {
  SessionHeader header;
  DeviceInfo device;
  device.backend = test_group().backend;
  device.cores = cores;
  device.peaks = {{DType::f32, "avx512", 100e9, FigureOrigin::measured, ""},
                  {DType::bf16, "avx512bf16", 190e9, FigureOrigin::measured, ""}};
  header.devices = {device};
  return header;
}

bool has(const std::vector<std::string>& levers, const std::string& wanted) {
  return std::find(levers.begin(), levers.end(), wanted) != levers.end();
}

const Gap kSlow{Missed::latency, 1.55, "", "a longer latency limit (p50 <= 31.0 ms)"};

}  // namespace

TEST_CASE("a latency is shortened by the split that was measured or estimated to be faster",
          "[search][levers]") {
  const Candidate nearest{group_of(1, 2), 1};
  const std::vector<Trial> trials{measured(group_of(1, 2), 1, 0.030),
                                  measured(group_of(2, 1), 1, 0.018)};
  CHECK(has(levers_for(nearest, kSlow, trials, header_of(2)),
            "1 instance of 2 threads (measured 0.60 x the latency at batch 1)"));
  SessionHeader estimated = header_of(2);
  for (const auto& [group, latency] :
       {std::pair(group_of(1, 2), 0.030), std::pair(group_of(2, 1), 0.015)}) {
    Estimate estimate;
    estimate.group = group;
    estimate.curve = {{1, latency, 1 / latency, 0, Bound::compute}};
    estimated.estimates.push_back(estimate);
  }
  CHECK(has(levers_for(nearest, kSlow, {trials[0]}, estimated),
            "1 instance of 2 threads (estimated 0.50 x the latency at batch 1)"));
  CHECK(has(levers_for(nearest, kSlow, {trials[0]}, header_of(2)),
            "fewer instances with more threads each"));
}

TEST_CASE("a throughput is raised by more instances where that was measured", "[search][levers]") {
  const Candidate nearest{group_of(2, 1), 4};
  const std::vector<Trial> trials{measured(group_of(2, 1), 4, 0.040),
                                  measured(group_of(1, 2), 4, 0.070)};
  const Gap gap{Missed::throughput, 1.3, "", ""};
  CHECK(has(levers_for(nearest, gap, trials, header_of(2)),
            "2 instances of 1 thread (measured 1.1 x the throughput at batch 4)"));
}

TEST_CASE("a smaller data type helps by what binds the batch", "[search][levers]") {
  SessionHeader header = header_of(2);
  Estimate estimate;
  estimate.group = group_of(2, 1);
  estimate.curve = {{1, 0.01, 100, 0, Bound::memory}, {8, 0.05, 160, 0, Bound::compute}};
  header.estimates = {estimate};
  const auto first = [&](std::int64_t batch) {
    return levers_for({group_of(2, 1), batch}, kSlow, {}, header).front();
  };
  CHECK(first(1) ==
        "a smaller data type (bf16: it is bound by memory, and half the bytes take half the time)");
  CHECK(first(8) == "a smaller data type (bf16: its arithmetic is 1.9 x as fast here)");
  CHECK(first(4) == "a smaller data type (bf16)");
  CandidateGroup small = group_of(2, 1);
  small.dtype = DType::bf16;
  CHECK_FALSE(has(levers_for({small, 1}, kSlow, {}, header), "a smaller data type (bf16)"));
}

TEST_CASE("cores are counted by how the model was seen to scale with them", "[search][levers]") {
  const Candidate nearest{group_of(2, 1), 1};
  CHECK(has(levers_for(nearest, kSlow, {}, header_of(8)), "more of the 8 cores: 2 are used"));
  CHECK(has(levers_for(nearest, kSlow, {}, header_of(2)),
            "a device with 4 such cores (if it scaled with them), or a faster one"));
  const std::vector<Trial> scaling{measured(group_of(1, 1), 1, 0.040),
                                   measured(group_of(2, 1), 1, 0.025)};
  CHECK(has(levers_for(nearest, kSlow, scaling, header_of(2)),
            "a device with 4 such cores (2 are 1.6 x as fast as 1 here), or a faster one"));
  const std::vector<Trial> flat{measured(group_of(1, 1), 1, 0.026),
                                measured(group_of(2, 1), 1, 0.025)};
  CHECK(has(levers_for(nearest, kSlow, flat, header_of(2)),
            "a faster device (more cores hardly help: 2 are 1.0 x as fast as 1)"));
  const Gap far{Missed::latency, 40, "", ""};
  CHECK(has(levers_for(nearest, far, {}, header_of(2)), "a device that is 40 x as fast"));
  SessionHeader bound = header_of(2);
  Estimate estimate;
  estimate.group = group_of(2, 1);
  estimate.curve = {{1, 0.01, 100, 0, Bound::memory}};
  bound.estimates = {estimate};
  CHECK(has(levers_for(nearest, kSlow, {}, bound),
            "a device with 1.6 x the memory bandwidth (it is bound by that)"));
}

TEST_CASE("memory is helped by fewer instances and a higher limit, and by no core",
          "[search][levers]") {
  const auto levers =
      levers_for({group_of(1, 2), 1}, {Missed::memory, 1.2, "", "more of it"}, {}, header_of(8));
  CHECK(levers == std::vector<std::string>{"a smaller data type (bf16: half the bytes)",
                                           "fewer instances: each needs its own activations",
                                           "more of it"});
}
