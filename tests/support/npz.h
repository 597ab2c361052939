// Writes .npy arrays and .npz archives as NumPy does, for tests of what reads them.
#pragma once

#include <unistd.h>
#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace batchtune::test {

inline void put(std::string& out, std::uint64_t value, int width) {
  for (int i = 0; i < width; ++i) out += static_cast<char>(value >> (8 * i));
}

// `shape` as Python writes it: "(2, 3)".
inline std::string npy_bytes(const std::string& type, const std::string& shape,
                             const std::string& elements, bool fortran = false, int version = 1) {
  std::string dictionary = "{'descr': '" + type + "', 'fortran_order': " +
                           (fortran ? "True" : "False") + ", 'shape': " + shape + ", }";
  const std::size_t prefix = version == 1 ? 10 : 12;
  while ((prefix + dictionary.size() + 1) % 64 != 0) dictionary += ' ';
  dictionary += '\n';
  std::string out = "\x93NUMPY";
  out += static_cast<char>(version);
  out += '\0';
  put(out, dictionary.size(), version == 1 ? 2 : 4);
  return out + dictionary + elements;
}

template <typename Number>
std::string bytes_of(const std::vector<Number>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(Number)};
}

inline std::string deflated(const std::string& bytes) {
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

enum class Packing { stored, deflated, stored_as_zip64 };

// Entries by name, without ".npy".
inline std::string npz_bytes(const std::vector<std::pair<std::string, std::string>>& arrays,
                             Packing packing = Packing::stored) {
  std::string out, directory;
  const bool wide = packing == Packing::stored_as_zip64;
  for (const auto& [name, bytes] : arrays) {
    const std::string packed = packing == Packing::deflated ? deflated(bytes) : bytes;
    const std::string entry = name + ".npy";
    const std::size_t offset = out.size();
    const int method = packing == Packing::deflated ? 8 : 0;
    const auto sum = crc32(0, reinterpret_cast<const Bytef*>(bytes.data()),
                           static_cast<uInt>(bytes.size()));
    std::string part;  // zip64
    if (wide) {
      put(part, 1, 2);
      put(part, 16, 2);
      put(part, bytes.size(), 8);
      put(part, packed.size(), 8);
    }
    const auto common = [&](std::string& to) {
      put(to, 20, 2);  // version
      put(to, 0, 2);   // flags
      put(to, static_cast<std::uint64_t>(method), 2);
      put(to, 0, 4);  // time
      put(to, sum, 4);
      put(to, wide ? 0xffffffff : packed.size(), 4);
      put(to, wide ? 0xffffffff : bytes.size(), 4);
      put(to, entry.size(), 2);
      put(to, part.size(), 2);
    };
    put(out, 0x04034b50, 4);
    common(out);
    out += entry + part + packed;
    put(directory, 0x02014b50, 4);
    put(directory, 20, 2);
    common(directory);
    put(directory, 0, 6);  // comment, disk, attributes
    put(directory, 0, 4);
    put(directory, offset, 4);
    directory += entry + part;
  }
  const std::size_t start = out.size();
  out += directory;
  if (wide) {
    const std::size_t end = out.size();
    put(out, 0x06064b50, 4);
    put(out, 44, 8);
    put(out, 45, 2);
    put(out, 45, 2);
    put(out, 0, 8);  // disks
    put(out, arrays.size(), 8);
    put(out, arrays.size(), 8);
    put(out, directory.size(), 8);
    put(out, start, 8);
    put(out, 0x07064b50, 4);
    put(out, 0, 4);
    put(out, end, 8);
    put(out, 1, 4);
  }
  put(out, 0x06054b50, 4);
  put(out, 0, 4);  // disks
  put(out, wide ? 0xffff : arrays.size(), 2);
  put(out, wide ? 0xffff : arrays.size(), 2);
  put(out, wide ? 0xffffffff : directory.size(), 4);
  put(out, wide ? 0xffffffff : start, 4);
  put(out, 0, 2);  // comment
  return out;
}

// A file with these bytes while it lives.
class SamplesFile {
 public:
  explicit SamplesFile(const std::string& bytes, const std::string& ending = ".npz")
      : path_((std::filesystem::temp_directory_path() /
               ("bt_samples_" + std::to_string(getpid()) + "_" + std::to_string(++made()) + ending))
                  .string()) {
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  ~SamplesFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  SamplesFile(const SamplesFile&) = delete;
  SamplesFile& operator=(const SamplesFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  static int& made() {
    static int count = 0;
    return count;
  }
  std::string path_;
};

}  // namespace batchtune::test
