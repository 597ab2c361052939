#include "reports/json/layers.h"

namespace batchtune::json {
namespace {

Json figure_of(const std::optional<LayerFigure>& figure) {
  if (!figure) return nullptr;
  return {{"seconds", number(figure->seconds)},
          {"share", number(figure->share)},
          {"flops_per_second", number(figure->flops)},
          {"roof", number(figure->roof)},
          {"with", figure->with}};
}

Json profile_of(const LayerColumn& profile) {
  Json unmapped = Json::array();
  for (const UnmappedLayer& layer : profile.unmapped)
    unmapped.push_back(
        {{"name", layer.name}, {"kind", layer.kind}, {"seconds", number(layer.seconds)}});
  const bool there = profile.missing.empty();
  return {{"group", group(profile.group)},
          {"missing", there ? Json(nullptr) : Json(profile.missing)},
          {"run", there ? number(profile.run) : Json(nullptr)},
          {"sum", there ? number(profile.sum) : Json(nullptr)},
          {"measured", number(profile.measured)},
          {"unmapped", unmapped}};
}

}  // namespace

Json layers(const LayersReport& report) {
  Json profiles = Json::array(), rows = Json::array();
  for (const LayerColumn& profile : report.profiles) profiles.push_back(profile_of(profile));
  for (const LayerRow& row : report.rows) {
    Json figures = Json::array();
    for (const auto& figure : row.figures) figures.push_back(figure_of(figure));
    rows.push_back({{"operation", row.name}, {"kind", row.kind}, {"figures", figures}});
  }
  return {{"batch", report.batch}, {"profiles", profiles}, {"operations", rows}};
}

}  // namespace batchtune::json
