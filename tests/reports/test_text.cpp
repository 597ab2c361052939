// Single promises of the texts: the verdict sentence, widths, the table, the plot, the progress
// line.
#include <sstream>

#include "reports/progress.h"
#include "reports/text/plot.h"
#include "reports/text/table.h"
#include "reports/text/words.h"
#include "tests/reports/fixture.h"
#include "tests/support/catch.h"

using namespace batchtune;
using namespace batchtune::test;

namespace {

std::size_t longest_line(const std::string& text) {
  std::istringstream stream(text);
  std::size_t longest = 0;
  for (std::string line; std::getline(stream, line);) longest = std::max(longest, line.size());
  return longest;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the verdict is one sentence with batch, figures, roofline and memory end", "[reports]") {
  CHECK(verdict_sentence(full_report()) ==
        "deploy at batch 8: 33.3 samples/s, p50 252 ms; the roofline said 5; memory ends at about "
        "212");
  TuneReport probed = full_report();
  probed.conclusion.boundaries[0].kind = BoundaryKind::probed;
  probed.conclusion.trials[2].measurement->p50.reset();
  CHECK(contains(verdict_sentence(probed), "undisturbed 240 ms"));
  CHECK(contains(verdict_sentence(probed), "memory ends at 212"));
  CHECK(
      contains(verdict_sentence(several_groups_report()), "deploy cpu f32, 2 threads, at batch 8"));
  CHECK(contains(verdict_sentence(several_groups_report()), "memory ends at about 212"));
}

TEST_CASE("a limit that is not proven is said in the verdict", "[reports]") {
  CHECK_FALSE(contains(verdict_sentence(full_report()), "proven"));
  CHECK(contains(verdict_sentence(several_groups_report()),
                 "p50 252 ms; p99 <= 600 ms is not proven; the roofline"));
}

TEST_CASE("every decision on a limit is shown with its confidence, samples and how many were over",
          "[reports]") {
  TuneReport report = full_report();
  const std::string text = text_report(report, {});
  CHECK(
      contains(text, "  batch 8   kept      confidence 99.9 %, 80 samples (of 96 runs), 1 over\n"));
  CHECK(contains(text, "  batch 4   unproven\n"));
  report.record.header.wishes.latency_limits = {{LatencyMetric::p90, 0.01}};
  const std::string others = text_report(report, {});
  CHECK(contains(others, "p90 <= 10.0 ms: no batch was judged by it"));
  CHECK(contains(others, "p99 <= 600 ms\n"));
}

TEST_CASE("a boundary by a process limiter is a band, and kills are counted", "[reports]") {
  TuneReport report = full_report();
  Boundary& boundary = report.conclusion.boundaries[0];
  boundary.kind = BoundaryKind::probed;
  boundary.limiter = LimiterKind::rlimit;
  boundary.smallest_failing = 216;
  boundary.exact = false;
  boundary.kills = 2;
  report.conclusion.kills = 2;
  CHECK(contains(verdict_sentence(report), "memory ends between 212 and 216"));
  const std::string text = text_report(report, {.width = 300});
  CHECK(contains(text,
                 "memory ends between batch 212 and batch 216 (probed; limit kept by "
                 "RLIMIT_AS)"));
  CHECK(contains(text, "; 2 processes were killed to find it\n"));
  CHECK_FALSE(contains(text, "in all"));
  boundary.exact = true;
  CHECK(contains(text_report(report, {}), "memory: batch 212 fits, batch 216 does not"));
}

TEST_CASE("the text says how quiet the machine was, or that nothing judged it", "[reports]") {
  CHECK(contains(text_report(full_report(), {}),
                 "  host       quiet in 83 % of 2 visits, by canaries; clock 3.60 to 3.70 GHz\n"));
  CHECK(contains(text_report(nothing_fits_report(), {}),
                 "  host       not judged: no canaries ran\n"));
  CHECK_FALSE(contains(text_report(empty_report(), {}), "  host "));
}

TEST_CASE("the soak and the headroom are told, and a soak that ended badly says how", "[reports]") {
  const std::string text = text_report(full_report(), {.width = 300});
  CHECK(contains(text, "; soaked 6.00 s alone: 25 runs, peak 180 MiB; headroom 1.77 GiB (88 %)"));
  CHECK(contains(text_report(several_groups_report(), {.width = 300}),
                 "soaked 1.50 s alone: 2 runs, then crashed: the worker died [signal 11]"));
}

TEST_CASE("where a price is given the cost of a million inferences is told for each batch",
          "[reports]") {
  const std::string text = text_report(priced_report(), {.width = 300});
  CHECK(contains(text, "a million"));
  CHECK(contains(text, "; 2.83 for a million inferences"));
  CHECK_FALSE(contains(text_report(full_report(), {.width = 300}), "million"));
}

TEST_CASE("the page that says why has a line for what is known and none for what is not",
          "[reports]") {
  TuneReport report = full_report();
  Verdict& verdict = report.conclusion.verdicts[0];
  const auto has = [&](const std::string& about) {
    for (const WhyLine& line : why_lines(report, verdict))
      if (line.about == about) return true;
    return false;
  };
  CHECK(has("slack"));
  CHECK(has("stability"));
  verdict.tightening.reset();
  verdict.limit_slack.reset();
  verdict.stability.reset();
  CHECK_FALSE(has("slack"));
  CHECK_FALSE(has("stability"));
  CHECK(has("alike"));
  verdict.indistinguishable = {4};
  const std::string page = text_why(report, {.width = 300});
  CHECK(contains(page, "batch 16 cannot be told apart from it: the smaller is recommended"));
  CHECK(page.ends_with("memory ends at about 212\n"));
  report.conclusion.verdicts.clear();
  report.record.header.command = "measure";
  CHECK(contains(text_why(report, {}), "nothing was recommended"));
}

TEST_CASE("when nothing fits the sentence says what is nearest, how far and what helps",
          "[reports]") {
  CHECK(verdict_sentence(nothing_fits_report()) ==
        "no batch keeps the limits; nearest is batch 1: p50 47.3 ms, 2.36 x the limit; what would "
        "help: a smaller "
        "dtype (bf16), more threads");
  TuneReport memory = empty_report();
  memory.conclusion.boundaries.resize(1);
  memory.conclusion.boundaries[0].largest_fitting = 0;
  CHECK(contains(verdict_sentence(memory), "not even batch 1"));
  CHECK(contains(verdict_sentence(empty_report()), "none was measured"));
  CHECK(quiet_report(full_report()) == "8\n");
  CHECK(quiet_report(nothing_fits_report()) == "none\n");
}

TEST_CASE("the verdict is the last thing in the text, and measure has none", "[reports]") {
  const std::string text = text_report(full_report(), {});
  CHECK(text.rfind("=> deploy at batch 8") > text.rfind("memory ends at about batch 212"));
  TuneReport measure = full_report();
  measure.record.header.command = "measure";
  CHECK_FALSE(contains(text_report(measure, {}), "deploy"));
}

TEST_CASE("a simulated device is said in the first and in the verdict's line", "[reports]") {
  const std::string text = text_report(several_groups_report(), {});
  CHECK(text.starts_with("SIMULATED"));
  CHECK(contains(text, "=> SIMULATED: deploy"));
  CHECK_FALSE(contains(text_report(full_report(), {}), "SIMULATED"));
}

TEST_CASE("no line is wider than the terminal, down to 60 columns", "[reports]") {
  for (int width : {60, 80, 100, 132, 200})
    for (const TuneReport& report : {full_report(), nothing_fits_report(), empty_report()}) {
      INFO(width);
      CHECK(longest_line(text_report(report, {.width = width})) <= static_cast<std::size_t>(width));
      CHECK(longest_line(text_why(report, {.width = width})) <= static_cast<std::size_t>(width));
    }
}

TEST_CASE("colour adds bold and nothing else", "[reports]") {
  const std::string plain = text_report(full_report(), {});
  std::string color = text_report(full_report(), {.color = true});
  CHECK(color != plain);
  for (const char* code : {"\x1b[1m", "\x1b[0m"})
    for (std::size_t at = 0; (at = color.find(code)) != std::string::npos;)
      color.erase(at, std::string(code).size());
  CHECK(color == plain);
}

TEST_CASE("a table drops columns in order, empty ones first, and keeps the others whole",
          "[reports]") {
  const std::vector<text::Column> columns = {{"", "batch", false, 0, {"1", "16"}},
                                             {"ms", "p50", false, 1, {"2.5", "30"}},
                                             {"ms", "p99", false, 1, {"-", "-"}},
                                             {"", "status", true, 2, {"ok", "out_of_memory"}}};
  CHECK(text::format_table(columns, 100) ==
        "       ---ms---\n"
        "batch  p50  p99  status\n"
        "    1  2.5    -  ok\n"
        "   16   30    -  out_of_memory\n");
  CHECK(text::format_table(columns, 26) ==
        "        ms\n"
        "batch  p50  status\n"
        "    1  2.5  ok\n"
        "   16   30  out_of_memory\n");
  CHECK(text::format_table(columns, 12) == "        ms\nbatch  p50\n    1  2.5\n   16   30\n");
  CHECK(text::format_table(columns, 1) == "batch\n    1\n   16\n");
  CHECK(text::format_table(
            {{"a wide group", "x", false, 0, {"1"}}, {"a wide group", "y", false, 0, {"2"}}}, 80) ==
        "a wide group\n        x  y\n        1  2\n");
}

TEST_CASE(
    "the plot marks its points, labels them where there is room and takes a log axis when wide",
    "[reports]") {
  const std::vector<text::PlotPoint> points = {
      {1, 10, 'o', "1"}, {100, 20, '*', "8"}, {NAN, 5, 'x', ""}, {5, -1, 'x', ""}};
  const std::string plot = text::format_plot(points, {"ms", "samples/s"}, 30, 4);
  CHECK(contains(plot, "o 1") == false);  // the label stands directly beside the mark
  CHECK(contains(plot, "o1"));
  CHECK(contains(plot, "*\n"));  // no room for a label at the right edge
  CHECK(contains(plot, "ms (log)"));
  CHECK_FALSE(contains(plot, "samples/s (log)"));
  CHECK_FALSE(contains(plot, "x"));
  CHECK(longest_line(plot) <= 30);
  CHECK(text::format_plot({points[0]}, {"", ""}, 30, 4).empty());
  CHECK(text::format_plot(points, {"", ""}, 8, 4).empty());
  CHECK_FALSE(text::format_plot({{1, 1, 'o', ""}, {1, 1, 'o', ""}}, {"", ""}, 30, 4).empty());
}

TEST_CASE("doctor gives advice only where something can be done, and marks only what disturbs",
          "[reports]") {
  DoctorReport report = full_doctor();
  const std::string text = text_doctor(report, {});
  CHECK(contains(text, "\n! governor "));
  CHECK(contains(text, "\n? turbo "));
  CHECK(contains(text, "\nwhat would help\n  governor: "));
  for (Finding& finding : report.findings) finding.advice.clear();
  CHECK_FALSE(contains(text_doctor(report, {}), "what would help"));
  report.look.reset();
  report.overhead.reset();
  CHECK_FALSE(contains(text_doctor(report, {}), "bursts"));
  for (int width : {60, 80, 132})
    CHECK(longest_line(text_doctor(full_doctor(), {.width = width})) <=
          static_cast<std::size_t>(width));
}

TEST_CASE("the last line of a comparison says what its exit code says", "[reports]") {
  CompareReport report = full_compare();
  const auto last_line = [&] {
    const std::string text = text_compare(report, {});
    return text.substr(text.find("=> "));
  };
  for (ComparedPair& pair : report.comparison.pairs) pair.verdict = PairVerdict::inconclusive;
  CHECK(last_line().starts_with("=> inconclusive: 0 slower"));
  report.comparison.pairs[0].verdict = PairVerdict::same;
  CHECK(last_line().starts_with("=> no regression: 0 slower"));
  report.comparison.shrank = true;
  CHECK(last_line().starts_with("=> a regression: 0 slower"));
  CHECK(last_line().ends_with(", memory ends earlier\n"));
}

TEST_CASE("text is wrapped at spaces under its head", "[reports]") {
  CHECK(text::wrapped("head ", "one two three", 12) == "head one two\n     three\n");
  CHECK(text::wrapped("h ", "averyverylongword b", 6) == "h averyverylongword\n  b\n");
  CHECK(text::wrapped("", "", 10) == "\n");
  CHECK(text::wrapped("", "a\nb", 10) == "a b\n");
}

TEST_CASE("the progress line fits any width and leaves out the end first", "[reports]") {
  ProgressState state{"resnet-50", "round of 4", 5, 12, 1, 23.4, 60.0, 8, 412.0, true};
  CHECK(progress_line(state, 200) ==
        "SIMULATED resnet-50  23 of 60 s  best so far batch 8 (412 samples/s)  round of 4  5 "
        "candidates, 12 rounds  "
        "1 memory probe");
  CHECK(progress_line(state, 40) == "SIMULATED resnet-50  23 of 60 s");
  for (int width = 0; width < 130; ++width)
    CHECK(progress_line(state, width).size() <= static_cast<std::size_t>(width));
  CHECK(progress_line({}, 80) == "  0 s  0 candidates, 0 rounds");
}
