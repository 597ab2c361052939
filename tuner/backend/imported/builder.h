// Writes the operations of the native model down, and knows in which order of dimensions each
// tensor of the graph lies. Internal to this folder.
//
// A tensor is plain, as the file has it, or an image: channels last, what native operations want.
// Whoever asks for the other order gets a transpose, one for all readers; a tensor that only one
// order is asked of has only that one.
#pragma once

#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "tuner/backend/imported/graph_edit.h"
#include "tuner/backend/imported/lowered.h"

namespace batchtune::imported {

class Builder {
 public:
  // `floats`: see LoweringOptions.
  Builder(const GraphEditor& graph, ElementType floats, LoweredModel& out);

  const GraphEditor& graph() const { return graph_; }
  const GraphTensor& tensor(int index) const { return graph_.tensor(index); }
  FileWeights& weights() { return *out_.weights; }
  const Op& op(int index) const { return out_.native.ops[static_cast<std::size_t>(index)]; }
  Op& op(int index) { return out_.native.ops[static_cast<std::size_t>(index)]; }

  // f32 of a batch of samples: what native operations compute with.
  bool is_native(int tensor) const;
  bool is_image(int tensor) const;      // [batch, channels, height, width], and native
  Shape image_shape(int tensor) const;  // {height, width, channels}

  bool is_placed(int tensor) const;  // some operation has it; constants never are
  // Channels last, and asking for the file's order would cost a transpose.
  bool lies_as_image(int tensor) const;
  // The operation that has it: OpIndex.
  int plain(int tensor);
  int image(int tensor);
  // The same data as another shape, by a reshape where need be.
  int shaped(int op, const Shape& shape);

  // A name that no operation has yet.
  std::string new_name(const std::string& wanted);
  int add(Op op);  // whose name is new, its shape set
  void place_plain(int tensor, int op);
  void place_image(int tensor, int op);
  void place_view(int tensor, int of);  // the same elements in the file's order
  int view_of(int tensor) const { return place(tensor).view_of; }

  // What a call reads; nullopt: a tensor that is not there (its node could not be computed).
  std::optional<Operand> operand(int tensor, bool as_it_is = false);
  Operand operand_of_op(int op, const GraphTensor& tensor, BatchedShape shape) const;
  // `as_it_is`: no matter what floats are in calls; of parameters that are no data.
  Operand operand_of_constant(RawTensor value, bool as_it_is = false);
  // One operation for each output; gives their indices (-1: left out).
  std::vector<int> add_call(const GraphNode& node, Call call, std::vector<Operand> inputs,
                            const std::vector<BatchedShape>& shapes);
  // The same with everything in the file's order, and places the outputs. False: an input is
  // missing.
  bool call_plain(const GraphNode& node, Call call);

 private:
  struct Place {
    int plain = -1, image = -1;  // operations
    int view_of = -1;            // tensor
  };
  Place& place(int tensor) { return places_[static_cast<std::size_t>(tensor)]; }
  const Place& place(int tensor) const { return places_[static_cast<std::size_t>(tensor)]; }
  int transposed(int op, const std::string& name, std::int64_t rows, std::int64_t columns,
                 const Shape& shape);

  ElementType in_calls(ElementType type) const { return type == ElementType::f32 ? floats_ : type; }

  const GraphEditor& graph_;
  ElementType floats_;
  LoweredModel& out_;
  std::vector<Place> places_;  // by tensor
  std::unordered_set<std::string> names_;
  std::map<std::pair<int, Shape>, int> reshapes_;
};

}  // namespace batchtune::imported
