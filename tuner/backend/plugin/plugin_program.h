// A batch in a plugin: one program of the plugin's for each instance.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "tuner/backend/plugin/cancellable.h"
#include "tuner/backend/plugin/plugin_model.h"

namespace batchtune::plugin {

class PluginProgram final : public Program, public Cancellable {
 public:
  static Outcome<std::unique_ptr<PluginProgram>> prepare(PluginModel& model, std::int64_t batch);

  // What the plugin says of one instance is handed on as it is, odd figures too: who measures looks
  // at them.
  Outcome<RunTimes> run(int n) override;
  void set_input(std::uint64_t seed) override;
  Outcome<std::vector<float>> read_output(std::int64_t samples) override;
  MemoryUse memory() const override;
  bool can_cancel() const override;
  void cancel() override;

 private:
  using Handle = std::unique_ptr<bt_program, void (*)(bt_program*)>;

  PluginProgram(PluginModel& model, std::int64_t batch) : model_(model), batch_(batch) {}
  Outcome<void> write_inputs(bt_program* program, std::uint64_t seed) const;
  Outcome<void> append_output(bt_program* program, std::int64_t samples,
                              std::vector<float>& output) const;
  Outcome<RunTimes> run_side_by_side(int n);
  MemoryUse memory_as_told() const;
  MemoryUse memory_as_grown() const;

  PluginModel& model_;
  std::int64_t batch_;
  std::vector<Handle> programs_;  // of each instance
  Bytes grown_ = 0;               // of the process by preparing, where the plugin keeps no account
  std::optional<Ending> input_failure_;  // what run() will say
};

}  // namespace batchtune::plugin
