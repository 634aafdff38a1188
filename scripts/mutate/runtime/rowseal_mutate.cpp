#include "rowseal_mutate.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <libpq-fe.h>
#include <sqlite3.h>

namespace rowseal_mutate {
namespace {

int ActiveFault() {
  const char* number = std::getenv("ROWSEAL_FAULT");
  return number == nullptr ? -1 : std::atoi(number);
}

// A file with one byte a fault, shared with child processes.
struct Trace {
  unsigned char* bytes = nullptr;
  std::size_t size = 0;

  Trace() {
    const char* path = std::getenv("ROWSEAL_FAULT_TRACE");
    const int file = path == nullptr ? -1 : open(path, O_RDWR | O_CLOEXEC);
    struct stat status {};
    if (file < 0 || fstat(file, &status) != 0 || status.st_size == 0) {
      return;
    }
    size = static_cast<std::size_t>(status.st_size);
    void* mapped = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    bytes = mapped == MAP_FAILED ? nullptr : static_cast<unsigned char*>(mapped);
    close(file);
  }
};

const Trace& TheTrace() {
  static const Trace trace;
  return trace;
}

// A fault in SQL: `find` becomes `replace`. calls: how statements look that run the function that
// it is in; empty: the text itself has to be seen.
struct SqlFault {
  int id;
  std::string find;
  std::string replace;
  std::vector<std::string> calls;
};

// The file holds, for each fault, lines of `id`, the number of calls and them, then find and
// replace, each after a line with its size.
std::vector<SqlFault> ReadSqlFaults() {
  std::vector<SqlFault> faults;
  const char* path = std::getenv("ROWSEAL_FAULT_SQL");
  std::ifstream file(path == nullptr ? "" : path, std::ios::binary);
  const auto text = [&file] {
    std::size_t size = 0;
    file >> size;
    file.get();
    std::string value(size, '\0');
    file.read(value.data(), static_cast<std::streamsize>(size));
    return value;
  };
  for (SqlFault fault; file >> fault.id; faults.push_back(std::move(fault))) {
    std::size_t calls = 0;
    file >> calls;
    fault.calls.clear();
    for (std::size_t i = 0; i < calls; ++i) {
      fault.calls.push_back(text());
    }
    fault.find = text();
    fault.replace = text();
  }
  return faults;
}

const std::vector<SqlFault>& SqlFaults() {
  static const std::vector<SqlFault> faults = ReadSqlFaults();
  return faults;
}

void Erase(std::string& text, std::string_view part) {
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at)) {
    text.erase(at, part.size());
  }
}

// SQLite's driver takes the schema's name and row locks out of what is written for both stores.
std::string ForSqlite(std::string text) {
  Erase(text, "rowseal.");
  Erase(text, " FOR UPDATE");
  return text;
}

bool IsReached(const SqlFault& fault, std::string_view sql) {
  for (const std::string& call : fault.calls) {
    if (sql.find(call) != std::string_view::npos) {
      return sql.find("CREATE ") == std::string_view::npos;
    }
  }
  return fault.calls.empty() && (sql.find(fault.find) != std::string_view::npos ||
                                 sql.find(ForSqlite(fault.find)) != std::string_view::npos);
}

void NoteSql(std::string_view sql) {
  static std::mutex mutex;
  static std::unordered_map<std::string, std::vector<int>> seen;
  const std::lock_guard lock(mutex);
  const auto [found, is_new] = seen.try_emplace(std::string(sql));
  if (is_new) {
    for (const SqlFault& fault : SqlFaults()) {
      if (IsReached(fault, sql)) {
        found->second.push_back(fault.id);
      }
    }
  }
  for (const int id : found->second) {
    Note(id);
  }
}

std::string Changed(std::string sql, bool for_sqlite) {
  if (TheTrace().bytes != nullptr) {
    NoteSql(sql);
  }
  if (kActive < 0) {
    return sql;
  }
  for (const SqlFault& fault : SqlFaults()) {
    if (fault.id != kActive) {
      continue;
    }
    for (const bool reduced : {false, true}) {
      const std::string find = reduced ? ForSqlite(fault.find) : fault.find;
      const std::string replace = reduced ? ForSqlite(fault.replace) : fault.replace;
      const std::size_t at = sql.find(find);
      if (at != std::string::npos && (for_sqlite || !reduced)) {
        return sql.replace(at, find.size(), replace);
      }
    }
  }
  return sql;
}

}  // namespace

const int kActive = ActiveFault();

void Note(int id) noexcept {
  static const Trace& trace = TheTrace();
  if (static_cast<std::size_t>(id) < trace.size && trace.bytes != nullptr) {
    trace.bytes[id] = 1;
  }
}

}  // namespace rowseal_mutate

// The linker gives the program these in place of the libraries' own (`--wrap`).
using rowseal_mutate::Changed;

extern "C" {
int __real_sqlite3_prepare_v3(sqlite3*, const char*, int, unsigned, sqlite3_stmt**, const char**);
int __real_sqlite3_prepare_v2(sqlite3*, const char*, int, sqlite3_stmt**, const char**);
int __real_sqlite3_exec(sqlite3*, const char*, int (*)(void*, int, char**, char**), void*, char**);
PGresult* __real_PQexec(PGconn*, const char*);
int __real_PQsendQuery(PGconn*, const char*);
int __real_PQsendQueryParams(PGconn*, const char*, int, const Oid*, const char* const*, const int*,
                             const int*, int);
int __real_PQsendPrepare(PGconn*, const char*, const char*, int, const Oid*);

int __wrap_sqlite3_prepare_v3(sqlite3* database, const char* sql, int size, unsigned flags,
                              sqlite3_stmt** statement, const char** tail) {
  if (tail != nullptr) {  // it points into the text, so the text has to stay
    return __real_sqlite3_prepare_v3(database, sql, size, flags, statement, tail);
  }
  const std::string text =
      Changed(size < 0 ? std::string(sql) : std::string(sql, static_cast<std::size_t>(size)), true);
  return __real_sqlite3_prepare_v3(database, text.c_str(), -1, flags, statement, tail);
}

int __wrap_sqlite3_prepare_v2(sqlite3* database, const char* sql, int size,
                              sqlite3_stmt** statement, const char** tail) {
  return __wrap_sqlite3_prepare_v3(database, sql, size, 0, statement, tail);
}

int __wrap_sqlite3_exec(sqlite3* database, const char* sql, int (*call)(void*, int, char**, char**),
                        void* data, char** error) {
  return __real_sqlite3_exec(database, Changed(sql, true).c_str(), call, data, error);
}

PGresult* __wrap_PQexec(PGconn* connection, const char* sql) {
  return __real_PQexec(connection, Changed(sql, false).c_str());
}

int __wrap_PQsendQuery(PGconn* connection, const char* sql) {
  return __real_PQsendQuery(connection, Changed(sql, false).c_str());
}

int __wrap_PQsendQueryParams(PGconn* connection, const char* sql, int count, const Oid* types,
                             const char* const* values, const int* lengths, const int* formats,
                             int result_format) {
  return __real_PQsendQueryParams(connection, Changed(sql, false).c_str(), count, types, values,
                                  lengths, formats, result_format);
}

int __wrap_PQsendPrepare(PGconn* connection, const char* name, const char* sql, int count,
                         const Oid* types) {
  return __real_PQsendPrepare(connection, name, Changed(sql, false).c_str(), count, types);
}
}
