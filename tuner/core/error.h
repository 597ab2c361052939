// Expected failure as a value: what was wanted, what was found, where, and what to do about it.
// How a trial ended is not an Error but a TrialStatus (trial.h): running out of memory is an
// answer.
#pragma once

#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace batchtune {

enum class ErrorKind {
  bad_input,    // usage, a file's content, contradictory options: exit code 2
  environment,  // device, database, operating system: exit code 4
};

struct Error {
  ErrorKind kind = ErrorKind::bad_input;
  std::string wanted;  // "a batch size of at least 1"
  std::string found;   // "-3"
  std::string where;   // "--batches, element 2" or "model.json:12:7, $.ops[3].kernel"; may be empty
  std::string todo;    // one imperative sentence; may be empty ("do" in JSON)

  bool operator==(const Error&) const = default;
};

// One line: "wanted ..., found ... (where). todo".
std::string to_string(const Error& error);

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline tl::unexpected<Error> bad_input(std::string wanted, std::string found,
                                       std::string where = "", std::string todo = "") {
  return tl::unexpected<Error>(Error{ErrorKind::bad_input, std::move(wanted), std::move(found),
                                     std::move(where), std::move(todo)});
}

inline tl::unexpected<Error> environment_error(std::string wanted, std::string found,
                                               std::string where = "", std::string todo = "") {
  return tl::unexpected<Error>(Error{ErrorKind::environment, std::move(wanted), std::move(found),
                                     std::move(where), std::move(todo)});
}

}  // namespace batchtune

// BT_TRY(name, expression): declares `name` as the value of a Result, or returns its error.
#define BT_TRY(name, ...)                                                \
  auto name##_result = (__VA_ARGS__);                                    \
  if (!name##_result) return tl::make_unexpected(name##_result.error()); \
  auto name = std::move(*name##_result)

// BT_TRY_VOID(expression): returns the error of a Status, or goes on.
#define BT_TRY_VOID(...)                                                                           \
  do {                                                                                             \
    if (auto bt_status = (__VA_ARGS__); !bt_status) return tl::make_unexpected(bt_status.error()); \
  } while (false)
