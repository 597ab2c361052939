// SQLite's handles, each wrapped once: Database, Statement, Transaction. Nothing here knows the
// schema. An SQLite failure is an environment Error that names the file. NaN and infinities are
// refused when bound. One connection belongs to one thread.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/core/error.h"

namespace batchtune::detail {

class Database;

// A prepared statement. Bind in the order of the ?s, then step; bind failures are reported by
// step().
class Statement {
 public:
  // `sql` must be one valid statement.
  Statement(const Database& database, std::string_view sql);

  Statement& bind(std::int64_t value);
  Statement& bind(int value) { return bind(static_cast<std::int64_t>(value)); }
  Statement& bind(bool value) { return bind(static_cast<std::int64_t>(value)); }
  Statement& bind(double value);
  Statement& bind(std::string_view text);
  Statement& bind(const char* text) { return bind(std::string_view(text)); }
  Statement& bind(const std::string& text) { return bind(std::string_view(text)); }
  Statement& bind(const std::vector<double>& samples);  // as little-endian BLOB
  Statement& bind_null();
  template <typename T>
  Statement& bind(const std::optional<T>& value) {
    return value ? bind(*value) : bind_null();
  }

  Result<bool> step();  // true: there is a row
  Status run();         // to the end, rows ignored

  // Columns of the current row, from 0.
  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;
  std::vector<double> samples(int column) const;
  std::optional<std::int64_t> optional_integer(int column) const;
  std::optional<double> optional_real(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  void note(int code);

  const Database* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int next_ = 1;
  int failure_ = SQLITE_OK;  // of preparing or binding
  std::string failure_text_;
};

enum class Access { read, write, create };

class Database {
 public:
  // Opens without touching the content: no pragma that reads or writes the file.
  static Result<Database> open(const std::string& path, Access access);

  Status execute(const char* sql) const;  // one or more statements, rows ignored
  Result<std::int64_t> query_integer(const char* sql) const;
  std::int64_t last_id() const { return sqlite3_last_insert_rowid(handle_.get()); }
  bool is_read_only() const { return sqlite3_db_readonly(handle_.get(), "main") == 1; }

  const std::string& path() const { return path_; }
  sqlite3* handle() const { return handle_.get(); }
  // The Error for an SQLite code met while `doing`; "" takes SQLite's own words for what was found.
  tl::unexpected<Error> error(int code, std::string_view found = "") const;

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  std::unique_ptr<sqlite3, Close> handle_;
  std::string path_;
};

// Rolls back unless committed.
class Transaction {
 public:
  static Result<Transaction> begin(const Database& database);
  Transaction(Transaction&& other) noexcept : database_(other.database_) {
    other.database_ = nullptr;
  }
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Status commit();

 private:
  explicit Transaction(const Database& database) : database_(&database) {}
  const Database* database_;
};

}  // namespace batchtune::detail
