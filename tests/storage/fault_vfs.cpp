#include "tests/storage/fault_vfs.h"

#include <optional>

namespace batchtune::test {
namespace {

sqlite3_vfs* base = nullptr;  // SQLite's own
std::optional<Fault> armed;
int seen = 0;  // operations of the armed kind
bool has_fired = false;

// Whether this operation, which is about to be done, is to fail.
bool fails(Operation operation) {
  if (!armed || armed->operation != operation) return false;
  ++seen;
  const bool hit = armed->lasting ? seen >= armed->nth : seen == armed->nth;
  has_fired = has_fired || hit;
  return hit;
}

int code_of(int extended) {
  return armed->code == SQLITE_IOERR ? extended : armed->code;
}

// Our file, with SQLite's own right behind it.
struct File {
  sqlite3_file shell;
  sqlite3_file* own() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

sqlite3_file* own(sqlite3_file* file) {
  return reinterpret_cast<File*>(file)->own();
}

int close(sqlite3_file* file) {
  return own(file)->pMethods->xClose(own(file));
}

int read(sqlite3_file* file, void* to, int amount, sqlite3_int64 offset) {
  return own(file)->pMethods->xRead(own(file), to, amount, offset);
}

// A write that fails has written its first half: the worst that a disk does.
int write(sqlite3_file* file, const void* from, int amount, sqlite3_int64 offset) {
  const auto method = own(file)->pMethods->xWrite;
  if (!fails(Operation::write)) return method(own(file), from, amount, offset);
  method(own(file), from, amount / 2, offset);
  return code_of(SQLITE_IOERR_WRITE);
}

int truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (fails(Operation::truncate)) return code_of(SQLITE_IOERR_TRUNCATE);
  return own(file)->pMethods->xTruncate(own(file), size);
}

int sync(sqlite3_file*, int) {
  return fails(Operation::sync) ? code_of(SQLITE_IOERR_FSYNC) : SQLITE_OK;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return own(file)->pMethods->xFileSize(own(file), size);
}

int lock(sqlite3_file* file, int level) {
  return own(file)->pMethods->xLock(own(file), level);
}

int unlock(sqlite3_file* file, int level) {
  return own(file)->pMethods->xUnlock(own(file), level);
}

int check_reserved_lock(sqlite3_file* file, int* result) {
  return own(file)->pMethods->xCheckReservedLock(own(file), result);
}

int file_control(sqlite3_file* file, int what, void* argument) {
  return own(file)->pMethods->xFileControl(own(file), what, argument);
}

int sector_size(sqlite3_file* file) {
  return own(file)->pMethods->xSectorSize(own(file));
}

int device_characteristics(sqlite3_file* file) {
  return own(file)->pMethods->xDeviceCharacteristics(own(file));
}

// Version 1: neither shared memory nor mapped pages, which rollback journals do not use.
constexpr sqlite3_io_methods kMethods = {1,
                                         close,
                                         read,
                                         write,
                                         truncate,
                                         sync,
                                         file_size,
                                         lock,
                                         unlock,
                                         check_reserved_lock,
                                         file_control,
                                         sector_size,
                                         device_characteristics,
                                         nullptr,
                                         nullptr,
                                         nullptr,
                                         nullptr,
                                         nullptr,
                                         nullptr};

int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  file->pMethods = nullptr;  // SQLite closes only what has methods
  if (fails(Operation::open)) return armed->code == SQLITE_FULL ? SQLITE_FULL : SQLITE_CANTOPEN;
  const int code = base->xOpen(base, name, own(file), flags, out_flags);
  if (code == SQLITE_OK) file->pMethods = &kMethods;
  return code;
}

int remove(sqlite3_vfs*, const char* name, int sync_folder) {
  if (fails(Operation::remove)) return code_of(SQLITE_IOERR_DELETE);
  return base->xDelete(base, name, sync_folder);
}

sqlite3_vfs shim;

}  // namespace

const char* name_of(Operation operation) {
  constexpr const char* kNames[] = {"write", "sync", "truncate", "remove", "open"};
  return kNames[static_cast<int>(operation)];
}

FaultVfs::FaultVfs() {
  base = sqlite3_vfs_find(nullptr);
  shim = *base;  // what is not replaced is called with our pointer, which has SQLite's own data
  shim.pNext = nullptr;
  shim.szOsFile = static_cast<int>(sizeof(File)) + base->szOsFile;
  shim.zName = "faults";
  shim.xOpen = open;
  shim.xDelete = remove;
  sqlite3_vfs_register(&shim, 1);
}

FaultVfs::~FaultVfs() {
  disarm();
  sqlite3_vfs_unregister(&shim);
  sqlite3_vfs_register(base, 1);
}

void FaultVfs::arm(const Fault& fault) {
  armed = fault;
  seen = 0;
  has_fired = false;
}

void FaultVfs::disarm() {
  armed.reset();
}

bool FaultVfs::fired() const {
  return has_fired;
}

}  // namespace batchtune::test
