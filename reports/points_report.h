// What `points` shows: the current deployment point of each model on each device, and whether it
// still holds. JSON: points.schema.json.
#pragma once

#include <string>
#include <vector>

#include "reports/report.h"
#include "tuner/core/deployment_point.h"

namespace batchtune {

std::string text_points(const std::vector<DeploymentPoint>& points, const TextOptions& options);
std::string json_points(const std::vector<DeploymentPoint>& points);
std::string csv_points(const std::vector<DeploymentPoint>& points);  // one row each

}  // namespace batchtune
