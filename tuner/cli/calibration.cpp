#include "tuner/cli/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "kernels/probe/pinned_team.h"
#include "tuner/cli/command.h"
#include "tuner/cli/host.h"
#include "tuner/cli/progress.h"
#include "tuner/cli/timestamp.h"

namespace batchtune {
namespace {

constexpr char kCalibrationNote[] = "calibration";

DType dtype_of(kernels::Dtype dtype) {
  return dtype == kernels::Dtype::f32 ? DType::f32 : DType::bf16;
}

std::string source_of(int threads) {
  return fmt::format("calibrate, {} thread{}", threads, threads == 1 ? "" : "s");
}

Peak peak_from(const probe::PeakFigure& figure) {
  return {dtype_of(figure.dtype), std::string(kernels::name_of(figure.isa)), figure.flops.best,
          FigureOrigin::measured, source_of(figure.threads)};
}

// What fewer threads than all reach; the widest instruction set has more counts than the others.
std::vector<ThreadFigures> scaling_from(const probe::CalibrationFigures& figures, int threads) {
  std::vector<ThreadFigures> scaling;
  const auto at = [&](int count) -> ThreadFigures& {
    for (ThreadFigures& known : scaling)
      if (known.threads == count) return known;
    return scaling.emplace_back(ThreadFigures{count, {}, {}});
  };
  for (const probe::PeakFigure& figure : figures.peaks)
    if (figure.threads < threads) at(figure.threads).peaks.push_back(peak_from(figure));
  const auto has_f32 = [](const ThreadFigures& known, kernels::Isa isa) {
    return std::any_of(known.peaks.begin(), known.peaks.end(), [&](const Peak& peak) {
      return peak.dtype == DType::f32 && peak.isa == kernels::name_of(isa);
    });
  };
  kernels::Isa widest = kernels::Isa::reference;
  for (const probe::PeakFigure& figure : figures.peaks)
    if (figure.dtype == kernels::Dtype::f32) widest = std::max(widest, figure.isa);
  for (const probe::ScalingFigure& figure : figures.scaling)
    if (figure.threads < threads && !has_f32(at(figure.threads), widest))
      at(figure.threads)
          .peaks.push_back(peak_from({kernels::Dtype::f32, widest, figure.threads, figure.flops}));
  std::sort(scaling.begin(), scaling.end(),
            [](const auto& a, const auto& b) { return a.threads < b.threads; });
  return scaling;
}

}  // namespace

std::string this_machine() {
  const int cpus = cpu_share().usable;
  return fmt::format("{}, {} CPU{}", cpu_model(), cpus, cpus == 1 ? "" : "s");
}

Calibration calibration_from(const probe::CalibrationFigures& figures) {
  const int threads = static_cast<int>(figures.cpus.size());
  Calibration calibration;
  calibration.measured_at = utc_now();
  calibration.scaling = scaling_from(figures, threads);
  DeviceInfo& device = calibration.device;
  device.name = this_machine();
  device.backend = "cpu";
  device.version = std::string("probe ") + kCalibrationVersion;
  device.cores = threads;
  device.memory_bytes = static_cast<double>(memory_share().total);
  for (const probe::PeakFigure& figure : figures.peaks)
    if (figure.threads == threads) device.peaks.push_back(peak_from(figure));
  for (const probe::LevelFigure& figure : figures.levels)
    device.memory_levels.push_back(
        {figure.name,
         figure.capacity_bytes > 0 ? std::optional(figure.capacity_bytes) : std::nullopt,
         figure.bytes.best, FigureOrigin::measured, source_of(threads)});
  return calibration;
}

Result<Calibration> calibrate_this_machine(probe::CalibrationOptions options) {
  if (options.cpus.empty()) {
    options.cpus = probe::allowed_cpus();
    options.cpus.resize(
        std::min(options.cpus.size(), static_cast<std::size_t>(cpu_share().usable)));
  }
  const probe::CalibrationFigures figures = probe::calibrate(options);
  if (!figures.failure.empty())
    return environment_error("to measure this machine's peaks", figures.failure, "calibration");
  return calibration_from(figures);
}

Result<std::optional<Calibration>> stored_calibration(const Store& store) {
  BT_TRY(notes, store.notes(kCalibrationNote, this_machine()));
  for (const Note& note : notes) {
    if (note.software_hash != kCalibrationVersion) continue;
    // One that does not read any more is measured again.
    if (auto calibration = parse_calibration(note.content, "the stored calibration"))
      return std::optional<Calibration>(std::move(*calibration));
  }
  return std::optional<Calibration>{};
}

Status store_calibration(Store& store, const Calibration& calibration) {
  Note note;
  note.kind = kCalibrationNote;
  note.device = this_machine();
  note.software_hash = kCalibrationVersion;
  note.name = "machine";
  note.content = write_calibration(calibration);
  return store.put_note(note);
}

Result<Calibration> obtain_calibration(Store& store, bool quiet) {
  BT_TRY(stored, stored_calibration(store));
  if (stored) return std::move(*stored);
  probe::CalibrationOptions options;
  ProgressLine line(!quiet);
  if (!quiet)
    say(fmt::format("measuring the peaks of {} once (up to {:.0f} s)", this_machine(),
                    options.seconds));
  options.progress = [&](const probe::CalibrationProgress& progress) {
    line.show(fmt::format("calibration: {}, {:.0f} of {:.0f} s", progress.stage, progress.elapsed,
                          progress.budget));
  };
  BT_TRY(calibration, calibrate_this_machine(options));
  BT_TRY_VOID(store_calibration(store, calibration));
  return calibration;
}

}  // namespace batchtune
