// The ways of other tuners, to be held against ours on the same data: each as it is described by
// its makers, and as strong as that allows. They differ in which batch they want next; all measure
// with our rounds, so they get the benefit of paired visits, which none of them has at home.
// Private to tuner/search.
#pragma once

#include <cstdint>
#include <memory>

#include "tuner/search/peers/policy.h"
#include "tuner/search/strategy.h"

namespace batchtune::peers {

// Triton Model Analyzer, brute force: 1, 2, 4, ... of each group until one fails, breaks the
// latency limit, or the best of the last four is less than 5 % above the first of them.
std::unique_ptr<Policy> powers_of_two_policy();
// Triton Model Analyzer, quick search: as hill_climb.cpp says.
std::unique_ptr<Policy> hill_climb_policy();
// Golden-section search over log2(batch), one group after the other.
std::unique_ptr<Policy> golden_policy();
// Batches by chance, uniform in their logarithm: as many as `bayes` tries.
std::unique_ptr<Policy> random_policy(std::uint64_t seed);
// Bayesian optimisation: as bayes.cpp says.
std::unique_ptr<Policy> bayes_policy(std::uint64_t seed);

}  // namespace batchtune::peers

namespace batchtune {

std::unique_ptr<Strategy> make_powers_of_two(const Problem& problem, std::uint64_t seed);
std::unique_ptr<Strategy> make_hill_climb(const Problem& problem, std::uint64_t seed);
std::unique_ptr<Strategy> make_golden(const Problem& problem, std::uint64_t seed);
std::unique_ptr<Strategy> make_random(const Problem& problem, std::uint64_t seed);
std::unique_ptr<Strategy> make_bayes(const Problem& problem, std::uint64_t seed);

}  // namespace batchtune
