// A small scatter plot in ASCII.
#pragma once

#include <string>
#include <vector>

namespace batchtune::text {

struct PlotPoint {
  double x = 0, y = 0;  // points that are not finite and positive are left out
  char mark = 'o';
  std::string label;  // beside the mark, where there is room
};

struct PlotAxes {
  std::string x, y;  // "latency, ms"
};

// Later points are drawn over earlier ones. An axis is logarithmic when its figures span more than
// a factor of ten, and says so. Empty when fewer than two points can be drawn. Lines are at most
// `width` long.
std::string format_plot(const std::vector<PlotPoint>& points, const PlotAxes& axes, int width,
                        int height);

}  // namespace batchtune::text
