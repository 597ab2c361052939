// Plain tables and fact sheets for the commands that list or look something up (list WHAT,
// calibrate, estimate --guide, estimate --mode training): the caller says what the columns
// are.
#pragma once

#include <string>
#include <vector>

#include "reports/report.h"
#include "tuner/core/value.h"

namespace batchtune {

struct ListColumn {
  std::string key;         // in JSON and CSV: "started_at"
  std::string heading;     // in text
  bool is_figure = false;  // aligned to the right
  int drop = 0;  // text: 0 always shown, else the largest is left out first on a narrow terminal
};

struct Listing {
  std::string command;  // "list"
  std::string what;     // key of the rows in JSON: "sessions"
  std::vector<ListColumn> columns;
  std::vector<std::vector<Value>> rows;  // one Value per column; monostate: absent
  // In text instead of a value, with its unit ("64.0 TFLOP/s"): [row][column], "" = the value as it
  // is. May be empty.
  std::vector<std::vector<std::string>> shown;
  std::string when_empty;  // "No sessions yet: run `batchtune tune`."
};

std::string text_listing(const Listing& listing, const TextOptions& options);
std::string json_listing(
    const Listing& listing);  // {"schema_version", "command", WHAT: [{KEY: ...}]}
std::string csv_listing(const Listing& listing);

struct Fact {
  std::string key;    // in JSON
  std::string label;  // in text
  Value value;        // in JSON, in base units
  std::string shown;  // in text, with its unit; "" = the value as it is
};

struct FactSheet {
  std::string command;  // "calibrate"
  std::string title;
  std::vector<Fact> facts;
  std::string conclusion;  // one sentence, last; may be empty
};

std::string text_facts(const FactSheet& sheet, const TextOptions& options);
std::string json_facts(const FactSheet& sheet);  // {"schema_version", "command", KEY: ...}

}  // namespace batchtune
