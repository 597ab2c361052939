// Dynamic batching as it is in the documents of `tune` and `measure`.
#pragma once

#include "reports/json/parts.h"
#include "reports/report.h"

namespace batchtune::json {

Json dynamic_batching(const TuneReport& report);  // null where there was none

}  // namespace batchtune::json
