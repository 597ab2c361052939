#include "tuner/workload/samples/sample_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace batchtune::samples {
namespace {

constexpr std::size_t kPiece = 64 << 10;  // bytes that are read at a time

}  // namespace

Result<std::shared_ptr<const SampleFile>> SampleFile::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return bad_input("a readable file of samples", std::strerror(errno), path);
  struct stat found {};
  const bool regular = fstat(fd, &found) == 0 && S_ISREG(found.st_mode);
  std::shared_ptr<const SampleFile> file(
      new SampleFile(path, fd, regular ? static_cast<std::uint64_t>(found.st_size) : 0));
  if (!regular) return bad_input("a file of samples", "something that is no regular file", path);
  return file;
}

SampleFile::~SampleFile() {
  close(fd_);
}

std::string SampleFile::name() const {
  return std::filesystem::path(path_).filename().string();
}

Status SampleFile::read(std::uint64_t at, std::span<std::byte> into) const {
  if (at > size_ || into.size() > size_ - at)
    return bad_input(std::to_string(into.size()) + " bytes at " + std::to_string(at),
                     "a file of " + std::to_string(size_), name(), "The file may be cut off");
  for (std::size_t done = 0; done < into.size();) {
    const ssize_t got = pread(fd_, into.data() + done, into.size() - done,
                              static_cast<off_t>(at + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      return environment_error("the file as it was when it was opened",
                               got < 0 ? std::strerror(errno) : "a shorter one", path_);
    done += static_cast<std::size_t>(got);
  }
  return {};
}

struct EntryReader::Inflater {
  Inflater() { ready = inflateInit2(&stream, -MAX_WBITS) == Z_OK; }  // no header: zip has its own
  ~Inflater() {
    if (ready) inflateEnd(&stream);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  z_stream stream{};
  bool ready = false;
  std::uint64_t taken = 0;  // of the packed bytes
  std::uint64_t given = 0;  // unpacked bytes so far
  std::array<std::byte, kPiece> piece;
};

EntryReader::EntryReader(std::shared_ptr<const SampleFile> file, Entry entry)
    : file_(std::move(file)), entry_(std::move(entry)) {}
EntryReader::EntryReader(EntryReader&&) noexcept = default;
EntryReader& EntryReader::operator=(EntryReader&&) noexcept = default;
EntryReader::~EntryReader() = default;

std::string EntryReader::where() const {
  return entry_.name.empty() ? file_->name() : file_->name() + ", " + entry_.name;
}

Status EntryReader::read(std::uint64_t at, std::span<std::byte> into) {
  if (at > entry_.size || into.size() > entry_.size - at)
    return bad_input(std::to_string(into.size()) + " bytes at " + std::to_string(at),
                     std::to_string(entry_.size) + " in all", where());
  if (!entry_.deflated) return file_->read(entry_.start + at, into);
  if (inflater_ == nullptr || inflater_->given > at) inflater_ = std::make_unique<Inflater>();
  std::vector<std::byte> unread(std::min<std::uint64_t>(kPiece, at - inflater_->given));
  while (inflater_->given < at)
    BT_TRY_VOID(inflate({unread.data(), static_cast<std::size_t>(std::min<std::uint64_t>(
                                            unread.size(), at - inflater_->given))}));
  return inflate(into);
}

Status EntryReader::inflate(std::span<std::byte> into) {
  Inflater& state = *inflater_;
  z_stream& stream = state.stream;
  const auto damaged = [&](const std::string& found) {
    inflater_.reset();
    return bad_input(std::to_string(entry_.size) + " bytes after unpacking", found, where(),
                     "The file is damaged: write it again");
  };
  if (!state.ready) return environment_error("memory for unpacking", "none", where());
  for (std::size_t done = 0; done < into.size();) {
    if (stream.avail_in == 0) {
      const auto more = static_cast<std::size_t>(
          std::min<std::uint64_t>(kPiece, entry_.packed - state.taken));
      BT_TRY_VOID(file_->read(entry_.start + state.taken, {state.piece.data(), more}));
      state.taken += more;
      stream.next_in = reinterpret_cast<Bytef*>(state.piece.data());
      stream.avail_in = static_cast<uInt>(more);
    }
    const auto room = static_cast<uInt>(std::min<std::size_t>(into.size() - done, 1 << 30));
    stream.next_out = reinterpret_cast<Bytef*>(into.data() + done);
    stream.avail_out = room;
    const int code = ::inflate(&stream, Z_NO_FLUSH);
    const std::size_t got = room - stream.avail_out;
    done += got;
    state.given += got;
    if (code == Z_STREAM_END && done < into.size())
      return damaged("the end after " + std::to_string(state.given));
    if (code == Z_OK || code == Z_STREAM_END) continue;
    if (code == Z_BUF_ERROR && state.taken < entry_.packed) continue;
    return damaged(code == Z_BUF_ERROR ? "the end after " + std::to_string(state.given)
                                       : "bytes that are not deflated data");
  }
  return {};
}

Status EntryReader::check_sum() {
  std::vector<std::byte> piece(kPiece);
  uLong sum = crc32(0, nullptr, 0);
  for (std::uint64_t at = 0; at < entry_.size;) {
    const auto count =
        static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), entry_.size - at));
    BT_TRY_VOID(read(at, {piece.data(), count}));
    sum = crc32(sum, reinterpret_cast<const Bytef*>(piece.data()), static_cast<uInt>(count));
    at += count;
  }
  if (sum == entry_.checksum) return {};
  return bad_input("the checksum that the archive has of it", "another", where(),
                   "The file is damaged: write it again");
}

}  // namespace batchtune::samples
