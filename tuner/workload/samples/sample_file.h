// A file of samples and what lies in it: the entries of a zip archive (.npz), or the one array that
// the whole file is (.npy). Entries are read from any place and never as a whole, so that samples
// take no memory of a worker. Nothing that an archive claims is believed before it is checked
// against the file's size. Format: APPNOTE.TXT of PKWARE, entries stored or deflated, zip64 too.
// Internal to this folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tuner/core/error.h"

namespace batchtune::samples {

class SampleFile {
 public:
  static Result<std::shared_ptr<const SampleFile>> open(const std::string& path);
  ~SampleFile();
  SampleFile(const SampleFile&) = delete;
  SampleFile& operator=(const SampleFile&) = delete;

  const std::string& path() const { return path_; }
  std::string name() const;  // without folders, for errors
  std::uint64_t size() const { return size_; }
  Status read(std::uint64_t at, std::span<std::byte> into) const;  // all of it, or an error

 private:
  SampleFile(std::string path, int fd, std::uint64_t size)
      : path_(std::move(path)), fd_(fd), size_(size) {}
  std::string path_;
  int fd_;
  std::uint64_t size_;
};

struct Entry {
  std::string name;  // "input.npy"
  std::uint64_t start = 0, packed = 0;  // its bytes in the file
  std::uint64_t size = 0;               // unpacked
  bool deflated = false;
  std::uint32_t checksum = 0;  // CRC-32 of the unpacked bytes; not of a whole file
};

// Of a zip archive, in its order. An error says what is wrong with it.
Result<std::vector<Entry>> entries_of(const SampleFile& file);

// The unpacked bytes of an entry. Reading forward costs what it reads; backward in a deflated one
// begins again.
class EntryReader {
 public:
  EntryReader(std::shared_ptr<const SampleFile> file, Entry entry);
  EntryReader(EntryReader&&) noexcept;
  EntryReader& operator=(EntryReader&&) noexcept;
  ~EntryReader();

  const Entry& entry() const { return entry_; }
  std::string where() const;  // "data.npz, input.npy"
  Status read(std::uint64_t at, std::span<std::byte> into);
  Status check_sum();  // reads all of it

 private:
  struct Inflater;
  Status inflate(std::span<std::byte> into);

  std::shared_ptr<const SampleFile> file_;
  Entry entry_;
  std::unique_ptr<Inflater> inflater_;  // nullptr: stored, or not begun
};

}  // namespace batchtune::samples
