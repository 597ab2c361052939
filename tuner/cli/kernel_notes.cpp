#include "tuner/cli/kernel_notes.h"

#include "build_id.h"
#include "tuner/cli/command.h"
#include "tuner/cli/host.h"

namespace batchtune {
namespace {

constexpr char kKernelNote[] = "kernel";

}  // namespace

Result<std::vector<std::string>> proven_kernels(const Store& store, const BackendEntry& backend) {
  std::vector<std::string> names;
  if (backend.simulated) return names;
  BT_TRY(notes, store.notes(kKernelNote, cpu_model()));
  for (const Note& note : notes)
    if (note.software_hash == kBuildId) names.push_back(note.name);
  return names;
}

Status keep_kernel_proofs(Store& store, const std::string& backend, const LoadReport& report) {
  for (const std::string& kernel : report.refuted_kernels)
    say("WARNING: kernel " + kernel + " of backend " + backend +
        " computed wrong results on this machine and is NOT used; please report this with the "
        "CPU's name (" +
        cpu_model() + "). Estimates and shares of the roofline still use the peak of its " +
        "instruction set");
  for (const std::string& kernel : report.newly_proven_kernels) {
    Note note;
    note.kind = kKernelNote;
    note.device = cpu_model();
    note.software_hash = kBuildId;
    note.name = kernel;
    note.content = R"({"proven":true})";
    BT_TRY_VOID(store.put_note(note));
  }
  return {};
}

}  // namespace batchtune
