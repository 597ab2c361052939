#include "storage/detail/session_names.h"

#include <algorithm>
#include <charconv>

namespace batchtune::detail {
namespace {

constexpr std::size_t kShortestPrefix = 4;  // hex digits of a UUID: fewer are rather a slip
constexpr int kListed = 5;                  // sessions named in an error about an ambiguous prefix

constexpr char kForms[] =
    "a session: its number, at least 4 digits of its UUID, last, last~1 or last:MODEL";
constexpr char kList[] = "`batchtune list sessions` shows what there is";

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || code != std::errc() || end != text.data() + text.size() || value < 0)
    return std::nullopt;
  return value;
}

Result<std::optional<std::int64_t>> first_id(Statement& select) {
  BT_TRY(found, select.step());
  return found ? std::optional(select.integer(0)) : std::nullopt;
}

Result<std::int64_t> last(const Database& database, std::string_view text, std::int64_t back) {
  Statement select(database, "SELECT id FROM session ORDER BY id DESC LIMIT 1 OFFSET ?");
  BT_TRY(id, first_id(select.bind(back)));
  if (id) return *id;
  BT_TRY(count, database.query_integer("SELECT count(*) FROM session"));
  return bad_input("a session",
                   "'" + std::string(text) + "', but the database holds " + std::to_string(count),
                   database.path(), kList);
}

// "bert-large" also finds "bert-large@seq=384".
Result<std::int64_t> last_of_model(const Database& database, std::string_view model) {
  Statement select(
      database,
      "SELECT id FROM session WHERE model = ?1 OR substr(model, 1, length(?1) + 1) = ?1 || '@'"
      " ORDER BY id DESC LIMIT 1");
  BT_TRY(id, first_id(select.bind(model)));
  if (id) return *id;
  return bad_input("a session of model '" + std::string(model) + "'", "none", database.path(),
                   kList);
}

bool could_be_uuid(std::string_view text) {
  return text.size() >= kShortestPrefix &&
         text.find_first_not_of("0123456789abcdefABCDEF-") == std::string_view::npos;
}

Result<std::int64_t> by_uuid(const Database& database, std::string_view prefix) {
  Statement select(
      database,
      "SELECT id, uuid FROM session WHERE lower(substr(uuid, 1, length(?1))) = lower(?1)");
  select.bind(prefix);
  std::int64_t id = 0;
  std::string listed;
  int count = 0;
  for (;;) {
    BT_TRY(more, select.step());
    if (!more) break;
    id = select.integer(0);
    if (count++ < kListed)
      listed += (listed.empty() ? "" : ", ") + std::to_string(id) + " (" + select.text(1) + ")";
  }
  if (count == 1) return id;
  if (count == 0)
    return bad_input(kForms, "'" + std::string(prefix) + "', which no session has", database.path(),
                     kList);
  if (count > kListed) listed += ", ...";
  return bad_input(
      "the beginning of one session's UUID",
      "'" + std::string(prefix) + "', which fits " + std::to_string(count) + ": " + listed,
      database.path(), "Give more digits, or the number");
}

}  // namespace

Result<std::int64_t> resolve(const Database& database, std::string_view text) {
  if (text == "last") return last(database, text, 0);
  if (text.starts_with("last~"))
    if (const auto back = whole_number(text.substr(5))) return last(database, text, *back);
  if (text.starts_with("last:") && text.size() > 5) return last_of_model(database, text.substr(5));
  if (const auto number = whole_number(text)) {
    Statement select(database, "SELECT id FROM session WHERE id = ?");
    BT_TRY(id, first_id(select.bind(*number)));
    if (id) return *id;
    if (!could_be_uuid(text))
      return bad_input("a session of this database", "number " + std::string(text), database.path(),
                       kList);
  }
  if (could_be_uuid(text)) return by_uuid(database, text);
  return bad_input(kForms, "'" + std::string(text) + "'", "", kList);
}

}  // namespace batchtune::detail
