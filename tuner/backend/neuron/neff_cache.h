// Compiled programs in a folder, one entry for each program, set of arguments and version of the
// compiler: the program, its NEFF, the compiler's log, and entry.txt, which says what it is of. What
// the compiler has refused for good (memory of the device, size) has failure.txt instead of a NEFF.
// Any entry may be removed at any time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tuner/backend/backend.h"
#include "tuner/core/dtype.h"

namespace batchtune::neuron {

// What a NEFF is of.
struct NeffEntry {
  std::string model;  // model_hash()
  DType dtype = DType::f32;
  std::int64_t batch = 1;
  std::string arguments;  // of the compiler, all of them

  bool operator==(const NeffEntry&) const = default;
};

class NeffCache {
 public:
  NeffCache(std::string folder, std::string version)  // of the compiler; folder "": keeps nothing
      : folder_(std::move(folder)), version_(std::move(version)) {}

  // Where something is compiled, to be moved into an entry without copying.
  std::string parent() const;

  // The NEFF, or how compiling ended for good; nullopt: not compiled yet. The whole program is
  // compared, not its hash alone: a wrong NEFF would be measured without anybody noticing.
  std::optional<Outcome<std::string>> find(const std::string& program,
                                           const std::string& arguments) const;

  // What stands in `from` (program and NEFF) becomes the entry; somebody else's may be there
  // already, and is as good. With a failure: there is no NEFF.
  void keep(const std::string& from, const std::string& program, const NeffEntry& entry,
            const Ending* failure = nullptr) const;

  // Batches whose entries say that they have a NEFF of this model. A hint: another version of
  // batchtune may have written another program.
  std::vector<std::int64_t> batches_of(const std::string& model, DType dtype,
                                       const std::string& arguments) const;

 private:
  std::string entry_of(const std::string& program, const std::string& arguments) const;

  std::string folder_, version_;
};

inline constexpr char kProgramFile[] = "model.hlo.pb", kNeffFile[] = "model.neff";

std::optional<std::string> content_of(const std::string& path);
bool write_content(const std::string& path, const std::string& content);

}  // namespace batchtune::neuron
