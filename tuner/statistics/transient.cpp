// See transient.h.
#include "tuner/statistics/transient.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "tuner/statistics/location.h"

namespace batchtune {
namespace {

constexpr std::size_t kFewestVisits = 5;  // of fewer, one disturbed visit moves the median
constexpr double kErrors = 3;             // standard errors: asked after every round

bool is_transient(std::span<const std::vector<Seconds>> visits, std::size_t position) {
  std::vector<double> logs;
  for (const auto& visit : visits)
    if (visit.size() > position + 1)
      logs.push_back(std::log(visit[position] / median(std::span(visit).subspan(position + 1))));
  if (logs.size() < kFewestVisits) return false;
  const double centre = median(logs);
  return std::abs(centre) > std::max(kTransient, kErrors * median_error(logs));
}

}  // namespace

int transient_runs(std::span<const std::vector<Seconds>> visits) {
  int runs = 0;
  while (is_transient(visits, static_cast<std::size_t>(runs))) ++runs;
  return runs;
}

}  // namespace batchtune
