#include "tuner/backend/runtime/resident.h"

#include <malloc.h>
#include <unistd.h>

#include <fstream>

namespace batchtune::runtime {

// "size resident shared ..." in pages.
Bytes resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  Bytes size = 0, resident = 0;
  if (!(statm >> size >> resident)) return 0;
  return resident * sysconf(_SC_PAGESIZE);
}

Bytes settled_resident_bytes() {
  malloc_trim(0);
  return resident_bytes();
}

}  // namespace batchtune::runtime
