#include "reports/text/words.h"

#include <fmt/format.h>
#include <cmath>

#include "tuner/core/inferentia.h"
#include "tuner/core/units.h"

namespace batchtune::text {
std::string figure(const std::optional<double>& value, int digits) {
  return value ? format_number(*value, digits) : kAbsent;
}

std::string signed_percent(double share) {
  return (share > 0 ? "+" : "") + format_percent(share);
}

std::string clock_words(const Interval& hz) {
  constexpr double kGiga = 1e9;
  const std::string low = format_number(hz.low / kGiga, 3),
                    high = format_number(hz.high / kGiga, 3);
  return low == high ? high + " GHz" : low + " to " + high + " GHz";
}

std::string shown(const Value& value) {
  if (std::holds_alternative<std::monostate>(value)) return kAbsent;
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "yes" : "no";
  if (const auto* real = std::get_if<double>(&value))
    return std::isfinite(*real) ? fmt::format("{:.6g}", *real) : "?";
  return one_line(to_string(value));
}

std::string one_line(std::string_view text) {
  std::string line(text);
  for (char& character : line)
    if (static_cast<unsigned char>(character) < 0x20 || character == 0x7f) character = ' ';
  return line;
}

std::string counted(std::int64_t count, std::string_view thing) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (const std::string& part : parts) {
    if (!text.empty()) text += separator;
    text += part;
  }
  return text;
}

std::string wrapped(std::string_view head, std::string_view text, int width) {
  const std::string indent(head.size(), ' ');
  std::string lines, line(head);
  bool fresh = true;  // nothing after the head or indent yet
  const std::string clean = one_line(text);
  std::size_t begin = 0;
  while (begin < clean.size()) {
    const std::size_t end = std::min(clean.find(' ', begin), clean.size());
    const std::string word = clean.substr(begin, end - begin);
    begin = end + 1;
    if (word.empty()) continue;
    if (!fresh && line.size() + 1 + word.size() > static_cast<std::size_t>(width)) {
      lines += line + "\n";
      line = indent;
      fresh = true;
    }
    if (!fresh) line += ' ';
    line += word;
    fresh = false;
  }
  return lines + line + "\n";
}

Unit latency_unit(double smallest) {
  if (smallest >= 1) return {"s", 1};
  if (smallest >= 1e-4) return {"ms", 1e-3};
  return {"us", 1e-6};
}

Unit memory_unit(double smallest) {
  constexpr double kMiB = 1024.0 * 1024.0;
  if (smallest >= 1024 * kMiB) return {"GiB", 1024 * kMiB};
  return {"MiB", kMiB};
}

std::optional<GroupPeak> peak_of(const std::vector<DeviceInfo>& devices,
                                 const CandidateGroup& group) {
  for (const DeviceInfo& device : devices) {
    if (device.backend != group.backend) continue;
    std::string isa;
    for (const auto& [dtype, in_use] : device.isa_in_use)
      if (dtype == group.dtype) isa = in_use;
    std::optional<GroupPeak> best;
    for (const Peak& peak : device.peaks)
      if (peak.dtype == group.dtype && (isa.empty() || peak.isa == isa) &&
          peak.flops_per_second > (best ? best->flops_per_second : 0))
        best = GroupPeak{peak.flops_per_second, peak.isa};
    if (best) best->flops_per_second *= group.cores;  // the device is described by one of them
    if (best) return best;
  }
  return std::nullopt;
}

std::string pipeline_words(double weights) {
  const int cores = pipeline_cores(weights);
  std::string words = fmt::format(
      "NeuronCore Pipeline over {} cores: 4 x round({} weights / 20 M) keep all weights on the chip, at batch 1", cores,
      format_count(weights));
  if (cores > kMostPipelineCores)
    words += fmt::format("; a pipeline has at most {}, so some are read from memory", kMostPipelineCores);
  return words;
}

std::string bold(std::string_view text, bool color) {
  return color ? "\x1b[1m" + std::string(text) + "\x1b[0m" : std::string(text);
}

}  // namespace batchtune::text
