#include "tuner/core/error.h"

namespace batchtune {

std::string to_string(const Error& error) {
  std::string text = "wanted " + error.wanted + ", found " + error.found;
  if (!error.where.empty()) text += " (" + error.where + ")";
  if (!error.todo.empty()) text += ". " + error.todo;
  return text;
}

}  // namespace batchtune
