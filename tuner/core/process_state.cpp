#include "tuner/core/process_state.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace batchtune {
namespace {

// "4711 (a name) R ...": the name may hold anything, brackets too.
char state_in(const std::filesystem::path& folder) {
  std::ifstream file(folder / "stat");
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(") ");
  return name_end != std::string::npos && name_end + 2 < line.size() ? line[name_end + 2] : '\0';
}

std::filesystem::path folder_of(pid_t pid) {
  return "/proc/" + std::to_string(pid);
}

}  // namespace

char state_of_process(pid_t pid) {
  return state_in(folder_of(pid));
}

int runnable_threads(pid_t pid, pid_t but) {
  const std::string left_out = std::to_string(but);
  std::error_code failed;
  int runnable = 0;
  for (std::filesystem::directory_iterator task(folder_of(pid) / "task", failed), end;
       !failed && task != end; task.increment(failed))
    runnable += task->path().filename() != left_out && state_in(task->path()) == 'R';
  return runnable;
}

}  // namespace batchtune
