// A SQLite VFS over the default one (https://www.sqlite.org/vfs.html). Only here do tests use
// SQLite's C API: nothing else sees the single write.
#include "support/faulty_disk.h"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <limits>
#include <new>

#include <sqlite3.h>

namespace rowseal::testing {
namespace {

constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

struct Disk {
  sqlite3_vfs* real = nullptr;
  sqlite3_vfs vfs{};
  std::size_t writes = 0;
  std::size_t fail_from = kNever;
  DiskFault fault = DiskFault::kFull;
  bool failed = false;
};

Disk disk;

// The real file stands behind this one, in the same allocation of SQLite's.
struct File {
  sqlite3_file base;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

sqlite3_file* Real(sqlite3_file* file) { return reinterpret_cast<File*>(file)->real(); }

// SQLITE_OK, or how this write fails.
int WriteFails(int io_error) {
  if (disk.writes++ < disk.fail_from) {
    return SQLITE_OK;
  }
  disk.failed = true;
  if (disk.fault == DiskFault::kKill) {
    kill(getpid(), SIGKILL);
  }
  return disk.fault == DiskFault::kFull ? SQLITE_FULL : io_error;
}

int Close(sqlite3_file* file) { return Real(file)->pMethods->xClose(Real(file)); }
int Read(sqlite3_file* file, void* data, int size, sqlite3_int64 at) {
  return Real(file)->pMethods->xRead(Real(file), data, size, at);
}
int Write(sqlite3_file* file, const void* data, int size, sqlite3_int64 at) {
  const int fails = WriteFails(SQLITE_IOERR_WRITE);
  return fails != SQLITE_OK ? fails : Real(file)->pMethods->xWrite(Real(file), data, size, at);
}
int Truncate(sqlite3_file* file, sqlite3_int64 size) {
  const int fails = WriteFails(SQLITE_IOERR_TRUNCATE);
  return fails != SQLITE_OK ? fails : Real(file)->pMethods->xTruncate(Real(file), size);
}
int Sync(sqlite3_file* file, int flags) {
  // A full disk shows when writing; a flush fails with an I/O error only.
  const int fails = disk.fault == DiskFault::kFull ? SQLITE_OK : WriteFails(SQLITE_IOERR_FSYNC);
  return fails != SQLITE_OK ? fails : Real(file)->pMethods->xSync(Real(file), flags);
}
int FileSize(sqlite3_file* file, sqlite3_int64* size) {
  return Real(file)->pMethods->xFileSize(Real(file), size);
}
int Lock(sqlite3_file* file, int level) { return Real(file)->pMethods->xLock(Real(file), level); }
int Unlock(sqlite3_file* file, int level) {
  return Real(file)->pMethods->xUnlock(Real(file), level);
}
int CheckReservedLock(sqlite3_file* file, int* reserved) {
  return Real(file)->pMethods->xCheckReservedLock(Real(file), reserved);
}
int FileControl(sqlite3_file* file, int operation, void* argument) {
  return Real(file)->pMethods->xFileControl(Real(file), operation, argument);
}
int SectorSize(sqlite3_file* file) { return Real(file)->pMethods->xSectorSize(Real(file)); }
int DeviceCharacteristics(sqlite3_file* file) {
  return Real(file)->pMethods->xDeviceCharacteristics(Real(file));
}
int ShmMap(sqlite3_file* file, int page, int size, int extend, void volatile** memory) {
  return Real(file)->pMethods->xShmMap(Real(file), page, size, extend, memory);
}
int ShmLock(sqlite3_file* file, int offset, int count, int flags) {
  return Real(file)->pMethods->xShmLock(Real(file), offset, count, flags);
}
void ShmBarrier(sqlite3_file* file) { Real(file)->pMethods->xShmBarrier(Real(file)); }
int ShmUnmap(sqlite3_file* file, int remove) {
  return Real(file)->pMethods->xShmUnmap(Real(file), remove);
}

const sqlite3_io_methods kMethods = {2,
                                     Close,
                                     Read,
                                     Write,
                                     Truncate,
                                     Sync,
                                     FileSize,
                                     Lock,
                                     Unlock,
                                     CheckReservedLock,
                                     FileControl,
                                     SectorSize,
                                     DeviceCharacteristics,
                                     ShmMap,
                                     ShmLock,
                                     ShmBarrier,
                                     ShmUnmap,
                                     nullptr,
                                     nullptr};

int Open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  file->pMethods = nullptr;
  sqlite3_file* real = Real(file);
  const int status = disk.real->xOpen(disk.real, name, real, flags, out_flags);
  if (status == SQLITE_OK) {
    file->pMethods = &kMethods;
  }
  return status;
}

}  // namespace

FaultyDisk::FaultyDisk() {
  disk = Disk{};
  disk.real = sqlite3_vfs_find(nullptr);
  disk.vfs = *disk.real;
  disk.vfs.zName = "rowseal-faulty-disk";
  disk.vfs.szOsFile = static_cast<int>(sizeof(File)) + disk.real->szOsFile;
  disk.vfs.xOpen = Open;
  disk.vfs.pNext = nullptr;
  sqlite3_vfs_register(&disk.vfs, /*makeDflt=*/1);
}

FaultyDisk::~FaultyDisk() {
  sqlite3_vfs_unregister(&disk.vfs);
  sqlite3_vfs_register(disk.real, /*makeDflt=*/1);
}

void FaultyDisk::FailFrom(std::size_t write, DiskFault fault) {
  disk.writes = 0;
  disk.fail_from = write;
  disk.fault = fault;
  disk.failed = false;
}

bool FaultyDisk::Heal() {
  disk.fail_from = kNever;
  return disk.failed;
}

}  // namespace rowseal::testing
