// Layers as a part of a document: "layers" in tune.schema.json.
#pragma once

#include "reports/json/parts.h"
#include "reports/layers_report.h"

namespace batchtune::json {

Json layers(const LayersReport& report);  // every row, and all that is not mapped

}  // namespace batchtune::json
