#include "storage/detail/database.h"

#include <bit>
#include <cmath>

namespace batchtune::detail {
namespace {

// Another process holds the file for one transaction: some syncs, each of which a disk that is
// shared may let wait for seconds.
constexpr int kBusyMilliseconds = 20'000;
constexpr std::size_t kDoubleBytes = 8;

// What to do about a code, where there is something to do.
std::string_view advice(int code) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "Wait until the other process has finished, then try again";
    case SQLITE_FULL:
      return "Free space on the disk, then go on with --resume";
    case SQLITE_IOERR:
      return "Check the disk and its free space, then go on with --resume";
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return "Make the file and its folder writable, or name another database with --db";
    case SQLITE_CANTOPEN:
      return "Check that the file and its folder can be opened, or name another with --db";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR:  // one of our statements does not fit the file's tables
      return "Name another database with --db; move this file away or restore a backup";
    default:
      return "Report this as a bug";
  }
}

std::string bytes_of(const std::vector<double>& samples) {
  std::string bytes;
  bytes.reserve(samples.size() * kDoubleBytes);
  for (double sample : samples) {
    const auto bits = std::bit_cast<std::uint64_t>(sample);
    for (std::size_t i = 0; i < kDoubleBytes; ++i)
      bytes.push_back(static_cast<char>((bits >> (8 * i)) & 0xff));
  }
  return bytes;
}

}  // namespace

Statement::Statement(const Database& database, std::string_view sql) : database_(&database) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v2(database.handle(), sql.data(), static_cast<int>(sql.size()),
                                      &raw, nullptr);
  statement_.reset(raw);
  note(code);
}

void Statement::note(int code) {
  if (code == SQLITE_OK || failure_ != SQLITE_OK) return;
  failure_ = code;
  failure_text_ = sqlite3_errmsg(database_->handle());
}

Statement& Statement::bind(std::int64_t value) {
  note(sqlite3_bind_int64(statement_.get(), next_++, value));
  return *this;
}

Statement& Statement::bind(double value) {
  if (!std::isfinite(value) && failure_ == SQLITE_OK) {
    failure_ = SQLITE_MISMATCH;
    failure_text_ = "a figure that is no finite number";
  }
  note(sqlite3_bind_double(statement_.get(), next_++, value));
  return *this;
}

Statement& Statement::bind(std::string_view text) {
  // An empty view may hold a null pointer, which SQLite would take for NULL.
  note(sqlite3_bind_text64(statement_.get(), next_++, text.empty() ? "" : text.data(), text.size(),
                           SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind(const std::vector<double>& samples) {
  for (double sample : samples)
    if (!std::isfinite(sample) && failure_ == SQLITE_OK) {
      failure_ = SQLITE_MISMATCH;
      failure_text_ = "a sample that is no finite number";
    }
  const std::string bytes = bytes_of(samples);
  note(
      sqlite3_bind_blob64(statement_.get(), next_++, bytes.data(), bytes.size(), SQLITE_TRANSIENT));
  return *this;
}

Statement& Statement::bind_null() {
  note(sqlite3_bind_null(statement_.get(), next_++));
  return *this;
}

Result<bool> Statement::step() {
  if (failure_ != SQLITE_OK) return database_->error(failure_, failure_text_);
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return database_->error(code);
}

Status Statement::run() {
  for (;;) {
    BT_TRY(more, step());
    if (!more) return {};
  }
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

double Statement::real(int column) const {
  return sqlite3_column_double(statement_.get(), column);
}

std::string Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return text == nullptr ? std::string() : std::string(text, static_cast<std::size_t>(size));
}

std::vector<double> Statement::samples(int column) const {
  const auto* bytes =
      static_cast<const unsigned char*>(sqlite3_column_blob(statement_.get(), column));
  const auto count =
      static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column)) / kDoubleBytes;
  std::vector<double> samples(count);
  for (std::size_t n = 0; n < count; ++n) {
    std::uint64_t bits = 0;
    for (std::size_t i = kDoubleBytes; i-- > 0;) bits = (bits << 8) | bytes[n * kDoubleBytes + i];
    samples[n] = std::bit_cast<double>(bits);
  }
  return samples;
}

std::optional<std::int64_t> Statement::optional_integer(int column) const {
  return is_null(column) ? std::nullopt : std::optional(integer(column));
}

std::optional<double> Statement::optional_real(int column) const {
  return is_null(column) ? std::nullopt : std::optional(real(column));
}

Result<Database> Database::open(const std::string& path, Access access) {
  Database database;
  database.path_ = path;
  // READWRITE falls back to reading where the file is write-protected; it is asked for even when
  // only reading, so that a journal left by a killed writer can be rolled back.
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (access == Access::create) flags |= SQLITE_OPEN_CREATE;
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  database.handle_.reset(raw);
  if (code != SQLITE_OK) return database.error(code);
  sqlite3_busy_timeout(raw, kBusyMilliseconds);
  return database;
}

Status Database::execute(const char* sql) const {
  const int code = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error(code);
  return {};
}

Result<std::int64_t> Database::query_integer(const char* sql) const {
  Statement statement(*this, sql);
  BT_TRY(row, statement.step());
  return row ? statement.integer(0) : 0;
}

tl::unexpected<Error> Database::error(int code, std::string_view found) const {
  std::string words(found);
  if (words.empty()) words = handle_ ? sqlite3_errmsg(handle_.get()) : sqlite3_errstr(code);
  if ((code & 0xff) == SQLITE_NOTADB) words = "a file that is no SQLite database";
  if ((code & 0xff) == SQLITE_CORRUPT) words = "a damaged database (" + words + ")";
  if ((code & 0xff) == SQLITE_FULL) words = "no space left (" + words + ")";
  return environment_error("a database that can be read and written", std::move(words), path_,
                           std::string(advice(code)));
}

Result<Transaction> Transaction::begin(const Database& database) {
  // Never deferred: a read that turns into a write fails at once, without the busy timeout.
  BT_TRY_VOID(database.execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::~Transaction() {
  // A failed statement may have rolled back already (SQLITE_FULL, SQLITE_IOERR): the error here
  // says so.
  if (database_ != nullptr && sqlite3_get_autocommit(database_->handle()) == 0)
    static_cast<void>(database_->execute("ROLLBACK"));
}

Status Transaction::commit() {
  BT_TRY_VOID(database_->execute("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace batchtune::detail
