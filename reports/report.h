// Report input in, text out. One file per format; nothing here reads a device, a database or a
// clock. All texts end with a line feed. JSON has a schema beside this file (tune.schema.json).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reports/layers_report.h"
#include "tuner/core/session.h"
#include "tuner/core/trial.h"

namespace batchtune {

// One model's session with what was concluded from it (DESIGN section 8 has the JSON).
struct TuneReport {
  SessionRecord record;  // its observations are only counted
  Conclusion conclusion;
  std::vector<LayersReport> layers = {};  // of --layers; never stored
};

struct TextOptions {
  int width = 100;  // columns of the terminal; below 60 a table may stick out
  bool color = false;
  bool plot = true;  // the small plot of the front
};

// Context, table, failed trials, plot, limits, boundary, and the verdict as the last lines.
// `measure` has no verdict.
std::string text_report(const TuneReport& report, const TextOptions& options);

// One sentence without a line feed: "deploy at batch 8: 412 samples/s, p50 21.0 ms; the roofline
// said 5; memory ends at about 212", or why nothing can be deployed.
std::string verdict_sentence(const TuneReport& report);

std::string csv_report(const std::vector<TuneReport>& reports);  // one row per trial, one header
// One object, or {"results": [...]}: that also for one report where `several` models were asked
// for. `why`: with the lines of why.h.
std::string json_report(const std::vector<TuneReport>& reports, bool several = false,
                        bool why = false);
std::string quiet_report(const TuneReport& report);  // the batch alone, or "none"
std::string json_error(const Error& error);          // {"schema_version":1,"error":{...}}

}  // namespace batchtune
