// A VFS over SQLite's own that fails a chosen operation. While a FaultVfs lives it is the default,
// so that the Store opens its files through it without knowing. Nothing is forced to the disk:
// processes end here, the machine does not. One at a time, and every connection that was opened
// through it must be closed before it ends.
#pragma once

#include <sqlite3.h>

namespace batchtune::test {

enum class Operation { write, sync, truncate, remove, open };
inline constexpr Operation kOperations[] = {Operation::write, Operation::sync, Operation::truncate,
                                            Operation::remove, Operation::open};
const char* name_of(Operation operation);

struct Fault {
  Operation operation = Operation::write;
  int nth = 1;              // of these operations, from 1, counted from arming
  int code = SQLITE_IOERR;  // its extended code is told; or SQLITE_FULL
  bool lasting = false;     // every later one fails too
};

class FaultVfs {
 public:
  FaultVfs();
  ~FaultVfs();
  FaultVfs(const FaultVfs&) = delete;

  void arm(const Fault& fault);
  void disarm();
  bool fired() const;  // since arming
};

}  // namespace batchtune::test
