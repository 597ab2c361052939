// Writes layers down in a line each: what the zoo's families are made with. Every method adds one
// operation and returns its name. Shapes are left to infer_shapes.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tuner/workload/model.h"

namespace batchtune {

using Name = std::string;

class ModelBuilder {
 public:
  ModelBuilder(std::string name, std::string description);

  Name input(const Name& name, InputKind kind, Shape shape, std::int64_t vocabulary = 0);
  Name matmul(const Name& name, const Name& from, std::int64_t columns, Epilogue epilogue);

  struct Conv {
    std::int64_t channels = 1, kernel = 1, stride = 1, pad = 0, groups = 1;
    bool batch_norm = true;  // folded into the bias
    Epilogue epilogue = {.bias = true};
  };
  Name conv(const Name& name, const Name& from, const Conv& conv);
  Name max_pool(const Name& name, const Name& from, std::int64_t kernel, std::int64_t stride,
                std::int64_t pad = 0);

  // An operation that has no parameters of its own, or whose further fields the caller sets on
  // op().
  Name plain(OpKind kind, const Name& name, std::vector<Name> from);
  Op& op() { return model_.ops.back(); }  // the operation added last

  // The last operation is the output.
  Model finish(std::map<std::string, std::int64_t> dims = {});

 private:
  Op& add(OpKind kind, const Name& name, std::vector<Name> from);
  Model model_;
};

Epilogue biased(Activation activation = Activation::none);
Epilogue biased_residual(const Name& residual, Activation activation = Activation::none);

}  // namespace batchtune
