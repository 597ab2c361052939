// The fields of an operation in a model file: one table for reading, writing and the schema's test.
// Internal to this module.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tuner/workload/model.h"

namespace batchtune {

// How a field is written in JSON, with the place of its value in an Op.
struct IntegerField {
  std::int64_t& (*at)(Op&);
};  // 64
struct IntegersField {
  std::vector<std::int64_t>& (*at)(Op&);
};  // [3, 2, 1]: any number
struct WindowField {
  std::vector<std::int64_t*> (*at)(Op&);
};  // [7, 7]: as many as there are pointers
struct NumberField {
  double& (*at)(Op&);
};
struct FlagField {
  bool& (*at)(Op&);
};
struct TextField {
  std::string& (*at)(Op&);
};
struct NamesField {
  std::vector<std::string>& (*at)(Op&);
};
struct InputKindField {
  InputKind& (*at)(Op&);
};
struct ActivationField {
  Activation& (*at)(Op&);
};
struct LayoutField {
  HeadLayout& (*at)(Op&);
};

struct OpField {
  const char* key;
  std::uint32_t kinds;  // bit 1 << OpKind: where the field may stand
  bool required;
  std::variant<IntegerField, IntegersField, WindowField, NumberField, FlagField, TextField,
               NamesField, InputKindField, ActivationField, LayoutField>
      value;

  bool allowed_in(OpKind kind) const { return (kinds >> static_cast<int>(kind) & 1U) != 0; }
};

std::span<const OpField> op_fields();  // without "name" and "op"

// Names of an enumeration's values.
template <typename Enum>
using EnumName = std::pair<std::string_view, Enum>;
std::span<const EnumName<OpKind>> op_kind_names();
std::span<const EnumName<InputKind>> input_kind_names();
std::span<const EnumName<Activation>> activation_names();
std::span<const EnumName<HeadLayout>> layout_names();

}  // namespace batchtune
