// A model in ONNX Runtime: for each instance a session of its own, which runs it at any batch.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/backend/onnxruntime/options.h"
#include "tuner/backend/runtime/declared.h"
#include "tuner/backend/inputs.h"
#include "tuner/backend/runtime/onnx_source.h"
#include "tuner/backend/runtime/tensor_layout.h"
#include "tuner/backend/side_by_side.h"

namespace batchtune::onnxruntime {

// One of the session's inputs, with the Model's operation that gives its values.
struct Input {
  OnnxTensor tensor;
  OpIndex op = 0;
  runtime::Element element = runtime::Element::f32;
  std::size_t rank = 0;
};

// nullopt: a type that has no values of ours (strings).
std::optional<runtime::Element> element_of(ElementType type);
ElementType type_of(runtime::Element element);

inline constexpr std::string_view kOwnFormat = "ort";  // of files that it alone reads

// Whether the backend can run the group, with these options, at all.
Outcome<void> check_group(const LoadOptions& options);

class SessionModel final : public LoadedModel {
 public:
  struct Source {
    const Api& api;
    const Env& environment;
    const SessionSettings& settings;
    const Model& model;
    const LoadOptions& options;
    OnnxForRuntime onnx;
    const runtime::OnnxSource& again;  // the same once more, for a session of its own
  };
  // Of a model that only ONNX Runtime can read, the inputs in force go to `report`.
  static Outcome<std::unique_ptr<SessionModel>> load(Source source, LoadReport& report);

  bool shares_weights() const override { return true; }
  Seconds load_seconds() const override { return load_seconds_; }
  Outcome<std::unique_ptr<Program>> prepare(const Candidate& candidate) override;
  double output_tolerance() const override;

  // Of a batch, by a session of its own with one instance, which is gone after it.
  Outcome<std::vector<LayerTime>> profile(std::int64_t batch, int runs) const;

  // For programs.
  const Api& api() const { return api_; }
  Allocator* allocator() const { return allocator_; }
  const Model& model() const { return model_; }
  std::uint64_t seed() const { return options_.seed; }
  const std::vector<Input>& inputs() const { return inputs_; }
  const std::vector<std::string>& outputs() const { return outputs_; }
  std::size_t result() const { return result_; }  // which output is the Model's
  const OnnxTensor& result_tensor() const { return result_tensor_; }
  Session* session(int instance) const {
    return sessions_[static_cast<std::size_t>(instance)].get();
  }
  SideBySide& instances() { return instances_; }
  InputSource& samples() { return samples_; }
  Bytes weight_bytes() const { return weight_bytes_; }

 private:
  explicit SessionModel(const Source& source);
  Outcome<void> create_sessions(const Source& source);
  Outcome<void> declare(OnnxForRuntime& onnx, LoadReport& report);
  using GetName = Entry<Status*(const Session*, std::size_t, Allocator*, char**)>;
  using GetType = Entry<Status*(const Session*, std::size_t, TypeInfo**)>;
  Outcome<runtime::DeclaredTensor> declared(std::size_t index, GetName name, GetType type) const;
  Outcome<void> read_inputs(const std::vector<OnnxTensor>& known);
  Outcome<Input> read_input(std::size_t index, const std::vector<OnnxTensor>& known) const;
  Outcome<void> read_outputs(const std::vector<OnnxTensor>& known);
  Outcome<std::string> name_of(GetName get, std::size_t index) const;

  const Api& api_;
  const Env& environment_;
  SessionSettings settings_;
  Model given_;  // as it was loaded
  const runtime::OnnxSource& again_;
  Model model_;  // the same, or what the runtime declares of a file that it alone reads
  LoadOptions options_;
  Allocator* allocator_ = nullptr;  // the library's
  std::vector<Owned<Session>> sessions_;
  std::vector<Input> inputs_;
  std::vector<std::string> outputs_;
  std::size_t result_ = 0;
  OnnxTensor result_tensor_;
  std::optional<std::int64_t> fixed_batch_;  // the only one that the file takes
  InputSource samples_;
  Bytes weight_bytes_ = 0;  // resident after the sessions were made, above before
  Seconds load_seconds_ = 0;
  SideBySide instances_;  // its threads run sessions: first to go
};

}  // namespace batchtune::onnxruntime
