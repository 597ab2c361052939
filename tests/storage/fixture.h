// A folder that disappears, and a session record in which every field differs from its default.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "storage/store.h"

namespace batchtune::test {

class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

SessionHeader example_header(const std::string& uuid,
                             const std::string& model = "bert-large@seq=384");
Observation example_preparation();
Observation example_round(int sequence = 1);
Observation example_probe();
Conclusion example_conclusion();

// What finish_session is told of a session with so many observations.
SessionRecord ended(std::int64_t session, int observations, SessionEnd end,
                    const std::string& reason = "");

// Opens for writing; fails the test case when it cannot.
std::unique_ptr<Store> open_store(const std::string& path);

// The one figure that a query gives, over a connection of its own.
std::string query(const std::string& path, const std::string& sql);

std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& content);

}  // namespace batchtune::test
