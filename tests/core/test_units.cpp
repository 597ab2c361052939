// Values with units: what is accepted, what is refused with which words, and that printing reads
// back.
#include "tests/support/catch.h"
#include "tuner/core/limits.h"
#include "tuner/core/units.h"
#include "tuner/core/value.h"

using namespace batchtune;

TEST_CASE("sizes need a unit and keep binary and decimal prefixes apart", "[units]") {
  CHECK(parse_bytes("2GiB", "x").value() == Bytes{2} << 30);
  CHECK(parse_bytes("2GB", "x").value() == 2'000'000'000);
  CHECK(parse_bytes("1.5 KiB", "x").value() == 1536);
  CHECK(parse_bytes("0B", "x").value() == 0);
  for (const char* text :
       {"", "2", "GiB", "-1GiB", "2GiBs", "nanGiB", "infB", "1e300GiB", "2 G iB", "0x10B"})
    CHECK_FALSE(parse_bytes(text, "--memory-limit"));
}

TEST_CASE("an error names what was wanted, what was found and where", "[units]") {
  const Error error = parse_bytes("12 parsecs", "--memory-limit").error();
  CHECK(error.kind == ErrorKind::bad_input);
  CHECK(to_string(error) ==
        "wanted a size with its unit, such as 2GiB or 512MB, found '12 parsecs' (--memory-limit)");
}

TEST_CASE("times, counts, rates and shares parse to plain numbers", "[units]") {
  CHECK(parse_seconds("20ms", "x").value() == Approx(0.02));
  CHECK(parse_seconds("2m", "x").value() == 120);
  CHECK_FALSE(parse_seconds("20", "x"));
  CHECK(parse_count("77.3G", "x").value() == Approx(77.3e9));
  CHECK(parse_count("12", "x").value() == 12);
  CHECK(parse_rate("50GB/s", "x").value() == 50e9);
  CHECK(parse_rate("1GiB/s", "x").value() == 1073741824.0);
  CHECK_FALSE(parse_rate("50GB", "x"));
  CHECK(parse_rate("fast/s", "x").error().found == "'fast/s'");
  CHECK(parse_fraction("2%", "x").value() == Approx(0.02));
  CHECK_FALSE(parse_fraction("150%", "x"));
}

TEST_CASE("printed values carry three digits and the fitting prefix", "[units]") {
  CHECK(format_bytes(1536) == "1.50 KiB");
  CHECK(format_bytes(0) == "0 B");
  CHECK(format_seconds(0.02134) == "21.3 ms");
  CHECK(format_seconds(0.99999) == "1.00 s");
  CHECK(format_count(77.3e9) == "77.3 G");
  CHECK(format_count(999999) == "1.00 M");
  CHECK(format_rate(25.6e9) == "25.6 GB/s");
  CHECK(format_percent(0.123) == "12 %");
  CHECK(format_percent(0.0123) == "1.2 %");
  CHECK(format_percent(-1) == "-100 %");
  CHECK(format_percent(1.0 / 0.0) == "?");
  CHECK(format_number(412.4, 3) == "412");
  CHECK(format_number(0.02134, 3) == "0.0213");
  CHECK(to_string(Value{}) == "null");
}

TEST_CASE("latency limits name a metric and a time above zero", "[limits]") {
  CHECK(parse_latency_limit("p99.9=1.5s").value() == LatencyLimit{LatencyMetric::p99_9, 1.5});
  CHECK(to_string(parse_latency_limit("p50=2s").value()) == "p50 <= 2.00 s");
  for (const char* text : {"p99", "p98=20ms", "=20ms", "p99=", "p99=-1ms", "p99=0ms", "20ms"})
    CHECK_FALSE(parse_latency_limit(text));
}
