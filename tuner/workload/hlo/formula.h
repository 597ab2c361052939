// Arithmetic over values, written as formulas are. All operands of one formula have one shape and
// one element type. Internal to this folder.
#pragma once

#include <initializer_list>

#include "tuner/workload/hlo/program_writer.h"

namespace batchtune::hlo {

class Formula {
 public:
  Formula(ProgramWriter& writer, Value value) : w_(&writer), value_(std::move(value)) {}

  const Value& value() const { return value_; }
  Formula of(const char* opcode) const { return {*w_, w_->unary(opcode, value_)}; }
  Formula with(const char* opcode, const Formula& b) const {
    return {*w_, w_->binary(opcode, value_, b.value_)};
  }
  Formula as(HloElement element) const { return {*w_, w_->converted(value_, element)}; }
  // Everywhere, of this one's shape and type.
  Formula all(double number) const {
    return {*w_, w_->filled(value_.element, number, value_.shape)};
  }
  Formula with(const char* opcode, double b) const { return with(opcode, all(b)); }
  // Truth values: "LT", "GE" ...
  Formula is(const char* direction, const Formula& b) const {
    return {*w_, w_->compared(direction, value_, b.value_)};
  }
  Formula is(const char* direction, double b) const { return is(direction, all(b)); }
  // Where this is true, a; else b.
  Formula choose(const Formula& a, const Formula& b) const {
    return {*w_, w_->selected(value_, a.value_, b.value_)};
  }

 private:
  ProgramWriter* w_;
  Value value_;
};

inline Formula operator+(const Formula& a, const Formula& b) {
  return a.with("add", b);
}
inline Formula operator-(const Formula& a, const Formula& b) {
  return a.with("subtract", b);
}
inline Formula operator*(const Formula& a, const Formula& b) {
  return a.with("multiply", b);
}
inline Formula operator/(const Formula& a, const Formula& b) {
  return a.with("divide", b);
}
inline Formula operator+(const Formula& a, double b) {
  return a.with("add", b);
}
inline Formula operator-(const Formula& a, double b) {
  return a.with("subtract", b);
}
inline Formula operator*(const Formula& a, double b) {
  return a.with("multiply", b);
}
inline Formula operator/(const Formula& a, double b) {
  return a.with("divide", b);
}
inline Formula operator/(double a, const Formula& b) {
  return b.all(a) / b;
}
inline Formula operator-(const Formula& a) {
  return a.of("negate");
}
inline Formula least(const Formula& a, double b) {
  return a.with("minimum", b);
}
inline Formula most(const Formula& a, double b) {
  return a.with("maximum", b);
}

// Of floats.
Formula erf(const Formula& x);
Formula gelu_erf(const Formula& x);             // exact
Formula gelu_tanh(const Formula& x);            // 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
Formula softplus(const Formula& x);             // log(1 + exp x)
Formula swish(const Formula& x, double alpha);  // x / (1 + exp(-alpha x))

}  // namespace batchtune::hlo
