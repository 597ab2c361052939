// What the simulated devices of one session have compiled: in a folder of its own, so that a program is compiled once
// for all of the session's workers, as a real compiler's cache has it. It goes with the session; who wants to keep
// programs names a folder (simulated:trn1,cache=FOLDER).
#pragma once

#include <string>

namespace batchtune {

class SessionPrograms {
 public:
  explicit SessionPrograms(const std::string& session_uuid);  // makes nothing yet
  ~SessionPrograms();                                         // removes the folder
  SessionPrograms(const SessionPrograms&) = delete;
  SessionPrograms& operator=(const SessionPrograms&) = delete;

  // The parameters of a simulated device with the folder, where it compiles and none was named; else as they are.
  std::string with_folder(const std::string& parameters) const;

 private:
  std::string folder_;  // "" where there is no place for one
};

}  // namespace batchtune
