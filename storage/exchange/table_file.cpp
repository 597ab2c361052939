#include "storage/exchange/table_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "storage/exchange/table_json.h"

namespace batchtune {
namespace {

namespace fs = std::filesystem;

// A thousand batches with a thousand samples each have some 40 MB.
constexpr std::size_t kLargestFile = std::size_t{256} << 20;

tl::unexpected<Error> cannot_write(const std::string& path, const std::string& why) {
  return environment_error("to write a table", why, path,
                           "Choose a file in a folder that can be written");
}

// The file that is meant, links followed; an error for what must not be replaced.
Result<fs::path> target_of(const std::string& path) {
  std::error_code code;
  fs::path target = fs::weakly_canonical(path, code);
  if (code) return cannot_write(path, code.message());
  const fs::file_status status = fs::status(target, code);
  if (fs::exists(status) && !fs::is_regular_file(status))
    return cannot_write(path, fs::is_directory(status) ? "a folder" : "no regular file");
  if (fs::exists(status) && ::access(target.c_str(), W_OK) != 0)
    return cannot_write(path, std::strerror(errno));
  return target;
}

// A file beside the target that vanishes unless it is kept.
class Temporary {
 public:
  explicit Temporary(const fs::path& target)
      : path_(target.string() + ".part-" + std::to_string(::getpid())),
        descriptor_(
            ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666)) {}
  ~Temporary() {
    if (descriptor_ < 0) return;
    ::close(descriptor_);
    if (!kept_) ::unlink(path_.c_str());
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  bool is_open() const { return descriptor_ >= 0; }
  // False with errno set.
  bool write(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t written = ::write(descriptor_, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return false;
      text.remove_prefix(static_cast<std::size_t>(written));
    }
    return ::fsync(descriptor_) == 0;
  }
  bool rename_to(const fs::path& target) {
    kept_ = std::rename(path_.c_str(), target.c_str()) == 0;
    return kept_;
  }

 private:
  std::string path_;
  int descriptor_;
  bool kept_ = false;
};

}  // namespace

Result<std::vector<RecordedTable>> read_tables(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return bad_input("a readable table", std::string("'") + path + "': " + std::strerror(errno),
                     "FILE", "batchtune tune --strategy exhaustive --record FILE writes one");
  std::error_code code;
  const auto size = fs::file_size(path, code);
  std::string text;
  // A device node has no size and may never end: one byte more than allowed is enough to refuse it.
  if (code || size <= kLargestFile) {
    text.resize(code ? kLargestFile + 1 : static_cast<std::size_t>(size));
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad() || (file.fail() && !file.eof()))
      return bad_input("a readable table", "'" + path + "' cannot be read", "FILE");
    text.resize(static_cast<std::size_t>(file.gcount()));
  }
  if ((!code && size > kLargestFile) || text.size() > kLargestFile)
    return bad_input("a table of at most 256 MiB", "a larger file", path);
  return parse_tables(text, path);
}

Status check_writable(const std::string& path) {
  BT_TRY(target, target_of(path));
  const Temporary trial(target);
  if (!trial.is_open()) return cannot_write(path, std::strerror(errno));
  return {};
}

Status save_tables(const std::string& path, std::span<const RecordedTable> tables) {
  BT_TRY(text, write_tables(tables));
  BT_TRY(target, target_of(path));
  Temporary part(target);
  if (!part.is_open() || !part.write(text) || !part.rename_to(target))
    return cannot_write(path, std::strerror(errno));
  return {};
}

}  // namespace batchtune
