// batchtune calibrate: measures this machine's peaks and bandwidths and keeps them as a note.
#include <fmt/format.h>

#include <memory>

#include "tuner/cli/calibration.h"
#include "tuner/cli/command.h"
#include "tuner/cli/database.h"
#include "tuner/cli/progress.h"
#include "tuner/cli/report_output.h"
#include "tuner/core/units.h"

namespace batchtune {
namespace {

struct CalibrateOptions {
  bool full = false;
  std::string database;
  OutputOptions output;
};

void add_fact(FactSheet& sheet, const std::string& key, const std::string& label, double value,
              const std::string& shown) {
  sheet.facts.push_back({key, label, value, shown});
}

void add_peaks(FactSheet& sheet, const std::vector<Peak>& peaks, int threads) {
  for (const Peak& peak : peaks)
    add_fact(sheet, fmt::format("peak.{}.{}.threads_{}", name_of(peak.dtype), peak.isa, threads),
             fmt::format("{} {}, {} thread{}", name_of(peak.dtype), peak.isa, threads,
                         threads == 1 ? "" : "s"),
             peak.flops_per_second, format_count(peak.flops_per_second) + "FLOP/s");
}

FactSheet sheet_of(const Calibration& calibration) {
  const DeviceInfo& device = calibration.device;
  FactSheet sheet{"calibrate", device.name + ", measured " + calibration.measured_at, {}, ""};
  sheet.facts.push_back({"device", "processor", device.name, ""});
  sheet.facts.push_back({"measured_at", "measured", calibration.measured_at, ""});
  sheet.facts.push_back({"threads", "threads", std::int64_t{device.cores}, ""});
  for (const ThreadFigures& figures : calibration.scaling)
    add_peaks(sheet, figures.peaks, figures.threads);
  add_peaks(sheet, device.peaks, device.cores);
  for (const MemoryLevel& level : device.memory_levels) {
    add_fact(sheet, "bytes_per_second." + level.name, "reads of " + level.name,
             level.bytes_per_second, format_rate(level.bytes_per_second));
    if (level.capacity_bytes)
      add_fact(sheet, "capacity_bytes." + level.name, "capacity of " + level.name,
               *level.capacity_bytes, format_bytes(*level.capacity_bytes));
  }
  if (const auto speedup = scaling_of(calibration).compute; speedup && device.cores > 1) {
    add_fact(sheet, "speedup", "all threads over one", *speedup, fmt::format("{:.2f}", *speedup));
    sheet.conclusion =
        fmt::format("{} threads compute {:.2f} times as fast as one", device.cores, *speedup);
  }
  return sheet;
}

Result<int> run_calibrate(const CalibrateOptions& options) {
  BT_TRY(format, parse_format(options.output));
  if (format == Format::csv) return bad_input("text or json", "csv", "--format");
  BT_TRY(store, open_database(options.database));
  ProgressLine line(true);
  probe::CalibrationOptions probing =
      options.full ? probe::full_calibration() : probe::CalibrationOptions{};
  probing.progress = [&](const probe::CalibrationProgress& progress) {
    line.show(fmt::format("calibration: {}, {:.0f} of {:.0f} s", progress.stage, progress.elapsed,
                          progress.budget));
  };
  BT_TRY(calibration, calibrate_this_machine(probing));
  line.clear();
  BT_TRY_VOID(store_calibration(*store, calibration));
  const FactSheet sheet = sheet_of(calibration);
  BT_TRY_VOID(
      print_result(format == Format::json ? json_facts(sheet) : text_facts(sheet, text_options())));
  return kDone;
}

}  // namespace

void add_calibrate_command(Arguments& arguments) {
  auto options = std::make_shared<CalibrateOptions>();
  arguments.flag("--full", options->full, "about a minute: finer steps and more bursts");
  add_database_option(arguments, options->database);
  arguments.value("--format", options->output.format, "text or json");
  arguments.run([options] { return run_calibrate(*options); });
}

}  // namespace batchtune
