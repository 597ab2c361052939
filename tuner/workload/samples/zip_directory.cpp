// The directory at the end of a zip archive: see sample_file.h.
#include <algorithm>
#include <optional>
#include <utility>

#include "tuner/workload/samples/sample_file.h"

namespace batchtune::samples {
namespace {

using Piece = std::vector<std::byte>;

constexpr std::uint32_t kLocalHeader = 0x04034b50, kDirectoryHeader = 0x02014b50,
                        kEnd = 0x06054b50, kEnd64 = 0x06064b50, kLocator64 = 0x07064b50;
constexpr std::uint64_t kLocalBytes = 30, kDirectoryBytes = 46, kEndBytes = 22, kEnd64Bytes = 56,
                        kLocatorBytes = 20;
constexpr std::uint64_t kLongestComment = 0xffff;
constexpr std::uint64_t kLargestDirectory = 16 << 20;  // an archive of models' inputs has a dozen entries
constexpr std::uint32_t kIn64 = 0xffffffff;            // the value is in the zip64 part
constexpr std::uint16_t kIn64Short = 0xffff, kPart64 = 1;
constexpr std::uint16_t kStored = 0, kDeflated = 8;
constexpr std::uint16_t kEncrypted = 1;     // of the flags
constexpr std::uint64_t kMostDeflate = 1032;  // unpacked bytes of a packed one, by deflate's format

// A number of the given width, lowest byte first.
std::uint64_t number_at(const Piece& bytes, std::uint64_t at, int width) {
  std::uint64_t value = 0;
  for (int i = width; i-- > 0;)
    value = value << 8 | std::to_integer<std::uint64_t>(bytes[static_cast<std::size_t>(at) +
                                                              static_cast<std::size_t>(i)]);
  return value;
}

Result<Piece> piece_of(const SampleFile& file, std::uint64_t at, std::uint64_t count) {
  if (at > file.size() || count > file.size() - at)
    return bad_input("a zip archive (.npz) as it was written", "one that is cut off or damaged",
                     file.name(), "Write it again: numpy.savez(\"data.npz\", name=array)");
  Piece piece(static_cast<std::size_t>(count));
  BT_TRY_VOID(file.read(at, piece));
  return piece;
}

tl::unexpected<Error> damaged(const SampleFile& file, const std::string& found) {
  return bad_input("a zip archive (.npz)", found, file.name(),
                   "Write it with numpy.savez(\"data.npz\", name=array)");
}

struct Directory {
  std::uint64_t start = 0, size = 0, entries = 0;
};

// Where the end record is: it may have a comment behind it.
std::optional<std::uint64_t> find_end(const Piece& tail) {
  if (tail.size() < kEndBytes) return std::nullopt;
  for (std::uint64_t at = tail.size() - kEndBytes + 1; at-- > 0;)
    if (number_at(tail, at, 4) == kEnd &&
        at + kEndBytes + number_at(tail, at + 20, 2) == tail.size())
      return at;
  return std::nullopt;
}

Result<Directory> find_directory64(const SampleFile& file, std::uint64_t end) {
  if (end < kLocatorBytes) return damaged(file, "no zip64 record where one must be");
  BT_TRY(locator, piece_of(file, end - kLocatorBytes, kLocatorBytes));
  if (number_at(locator, 0, 4) != kLocator64)
    return damaged(file, "no zip64 record where one must be");
  BT_TRY(record, piece_of(file, number_at(locator, 8, 8), kEnd64Bytes));
  if (number_at(record, 0, 4) != kEnd64) return damaged(file, "no zip64 record where one must be");
  return Directory{number_at(record, 48, 8), number_at(record, 40, 8), number_at(record, 32, 8)};
}

Result<Directory> find_directory(const SampleFile& file) {
  const std::uint64_t count = std::min(file.size(), kEndBytes + kLongestComment);
  BT_TRY(tail, piece_of(file, file.size() - count, count));
  const auto end = find_end(tail);
  if (!end) return damaged(file, "no directory at its end");
  Directory found{number_at(tail, *end + 16, 4), number_at(tail, *end + 12, 4),
                  number_at(tail, *end + 10, 2)};
  if (found.start == kIn64 || found.size == kIn64 || found.entries == kIn64Short) {
    BT_TRY(wide, find_directory64(file, file.size() - count + *end));
    found = wide;
  }
  if (found.size > kLargestDirectory || found.entries > found.size / kDirectoryBytes)
    return damaged(file, "a directory that claims " + std::to_string(found.entries) +
                             " entries in " + std::to_string(found.size) + " bytes");
  return found;
}

// The zip64 part of an entry: those of the three values that did not fit, in this order.
Status read_part64(const SampleFile& file, const Piece& extra, std::uint64_t& size,
                   std::uint64_t& packed, std::uint64_t& offset) {
  for (std::uint64_t at = 0; at + 4 <= extra.size();) {
    const std::uint64_t length = number_at(extra, at + 2, 2);
    const std::uint64_t end = std::min<std::uint64_t>(extra.size(), at + 4 + length);
    if (number_at(extra, at, 2) == kPart64) {
      std::uint64_t next = at + 4;
      for (std::uint64_t* value : {&size, &packed, &offset}) {
        if (*value != kIn64) continue;
        if (next + 8 > end) return damaged(file, "a zip64 part that is too short");
        *value = number_at(extra, next, 8);
        next += 8;
      }
    }
    at += 4 + length;
  }
  return {};
}

// What the local header says of the place: its name and extra part may be longer than here.
Status find_data(const SampleFile& file, std::uint64_t offset, Entry& entry) {
  BT_TRY(local, piece_of(file, offset, kLocalBytes));
  if (number_at(local, 0, 4) != kLocalHeader)
    return damaged(file, "no entry where " + entry.name + " should be");
  entry.start = offset + kLocalBytes + number_at(local, 26, 2) + number_at(local, 28, 2);
  if (entry.start > file.size() || entry.packed > file.size() - entry.start)
    return damaged(file, entry.name + ", which claims " + std::to_string(entry.packed) +
                             " bytes of a file of " + std::to_string(file.size()));
  return {};
}

Status check_packing(const SampleFile& file, std::uint64_t flags, std::uint64_t method,
                     const Entry& entry) {
  if ((flags & kEncrypted) != 0) return damaged(file, entry.name + ", which is encrypted");
  if (method != kStored && method != kDeflated)
    return bad_input("entries that are stored or deflated",
                     entry.name + " with method " + std::to_string(method), file.name(),
                     "Write it with numpy.savez or numpy.savez_compressed");
  const bool possible =
      entry.deflated ? entry.size / kMostDeflate <= entry.packed : entry.size == entry.packed;
  if (possible) return {};
  return damaged(file, entry.name + ", which claims " + std::to_string(entry.size) +
                           " bytes in " + std::to_string(entry.packed));
}

}  // namespace

Result<std::vector<Entry>> entries_of(const SampleFile& file) {
  BT_TRY(directory, find_directory(file));
  BT_TRY(bytes, piece_of(file, directory.start, directory.size));
  std::vector<Entry> entries;
  std::uint64_t at = 0;
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    if (at + kDirectoryBytes > bytes.size() || number_at(bytes, at, 4) != kDirectoryHeader)
      return damaged(file, "a directory that is damaged");
    const std::uint64_t name = number_at(bytes, at + 28, 2), extra = number_at(bytes, at + 30, 2);
    const std::uint64_t next = at + kDirectoryBytes + name + extra + number_at(bytes, at + 32, 2);
    if (next > bytes.size()) return damaged(file, "a directory that is damaged");
    Entry entry;
    const auto* const text = reinterpret_cast<const char*>(bytes.data() + at + kDirectoryBytes);
    entry.name.assign(text, static_cast<std::size_t>(name));
    entry.packed = number_at(bytes, at + 20, 4);
    entry.size = number_at(bytes, at + 24, 4);
    entry.checksum = static_cast<std::uint32_t>(number_at(bytes, at + 16, 4));
    std::uint64_t offset = number_at(bytes, at + 42, 4);
    const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at + kDirectoryBytes + name);
    BT_TRY_VOID(read_part64(file, Piece(begin, begin + static_cast<std::ptrdiff_t>(extra)),
                            entry.size, entry.packed, offset));
    const std::uint64_t method = number_at(bytes, at + 10, 2);
    entry.deflated = method == kDeflated;
    BT_TRY_VOID(check_packing(file, number_at(bytes, at + 8, 2), method, entry));
    BT_TRY_VOID(find_data(file, offset, entry));
    entries.push_back(std::move(entry));
    at = next;
  }
  return entries;
}

}  // namespace batchtune::samples
