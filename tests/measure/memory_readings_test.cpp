// Reading /proc: this process's own, and one with each figure missing or broken.
#include "tuner/measure/memory_readings.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/catch.h"

using namespace batchtune;
namespace fs = std::filesystem;

namespace {

class FakeProc {
 public:
  FakeProc() {
    std::string name = fs::temp_directory_path() / "bt_proc_XXXXXX";
    root_ = mkdtemp(name.data());
  }
  ~FakeProc() { fs::remove_all(root_); }
  FakeProc(const FakeProc&) = delete;
  FakeProc& operator=(const FakeProc&) = delete;
  void write(const std::string& file, const std::string& text) const {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }
  std::string root() const { return root_; }

 private:
  fs::path root_;
};

}  // namespace

TEST_CASE("the machine's memory is read from three files", "[memory]") {
  FakeProc proc;
  proc.write("vmstat", "nr_free_pages 12\noom_kill_extra 9\noom_kill 4\n");
  proc.write("meminfo", "MemTotal: 100 kB\nMemAvailable:   2048 kB\n");
  proc.write("pressure/memory",
             "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\n"
             "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n");
  const MachineMemory memory = read_machine_memory(proc.root());
  CHECK(memory.oom_kills == 4);
  CHECK(memory.available == 2048 * 1024);
  CHECK(memory.stall == 1.5);
}

TEST_CASE("what the kernel does not tell is absent", "[memory]") {
  FakeProc proc;
  const MachineMemory none = read_machine_memory(proc.root());
  CHECK_FALSE((none.oom_kills || none.available || none.stall));
  proc.write("vmstat", "oom_kill many\n");
  proc.write("pressure/memory", "full avg10=0.00 total=7\n");
  const MachineMemory broken = read_machine_memory(proc.root());
  CHECK_FALSE((broken.oom_kills || broken.stall));
  CHECK_FALSE(read_process_memory(1, proc.root()).peak_resident);
  CHECK_FALSE(read_process_memory(1, proc.root()).spill);
}

TEST_CASE("a process's peak, swap and major faults are read, whatever its name", "[memory]") {
  FakeProc proc;
  proc.write("7/status", "Name: a\nVmHWM:\t  300 kB\nVmRSS:\t 200 kB\nVmSwap:\t  12 kB\n");
  proc.write("7/stat", "7 (a ) b) S 1 7 7 0 -1 4194560 5000 100 42 3 1 2\n");
  const ProcessMemory memory = read_process_memory(7, proc.root());
  CHECK(memory.peak_resident == 300 * 1024);
  CHECK(memory.resident == 200 * 1024);
  REQUIRE(memory.spill);
  CHECK(memory.spill->swapped == 12 * 1024);
  CHECK(memory.spill->major_faults == 42);
}

TEST_CASE("this process has a resident peak", "[memory]") {
  const ProcessMemory own = read_process_memory(getpid());
  REQUIRE(own.peak_resident);
  // Kernels count pages in batches, so that the two may be some dozen pages apart.
  CHECK(*own.peak_resident + (Bytes{1} << 20) >= *own.resident);
  CHECK(*own.resident > 0);
}
