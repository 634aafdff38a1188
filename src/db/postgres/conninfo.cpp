#include "db/postgres/conninfo.h"

#include <memory>

#include <libpq-fe.h>

#include "base/encoding.h"

namespace rowseal {
namespace {

struct FreeOptions {
  void operator()(PQconninfoOption* options) const noexcept { PQconninfoFree(options); }
};

// libpq's message may quote the text, and with it a password.
Error Malformed() {
  return {ErrorCode::kInvalidArgument, "the PostgreSQL URL is malformed",
          "write postgres://USER@HOST:PORT/DATABASE or service=NAME"};
}

// Several hosts are one server and those that stand by for it: only the first of them can be
// written to, and which one that is may change.
void PreferWritable(Conninfo& conninfo) {
  bool has_many_hosts = false;
  for (const auto& [keyword, value] : conninfo.settings) {
    if (keyword == "target_session_attrs") {
      return;
    }
    has_many_hosts = has_many_hosts || ((keyword == "host" || keyword == "hostaddr") &&
                                        value.find(',') != std::string::npos);
  }
  if (has_many_hosts) {
    conninfo.settings.emplace_back("target_session_attrs", "read-write");
  }
}

std::string NameOf(const Conninfo& conninfo) {
  std::string host;
  std::string port;
  std::string database;
  std::string service;
  for (const auto& [keyword, value] : conninfo.settings) {
    host = keyword == "host" || (keyword == "hostaddr" && host.empty()) ? value : host;
    port = keyword == "port" ? value : port;
    database = keyword == "dbname" ? value : database;
    service = keyword == "service" ? value : service;
  }
  std::string name = service.empty() ? "" : "service " + service;
  if (!host.empty()) {
    name += (name.empty() ? "" : ", ") + host + (port.empty() ? "" : ":" + port);
  }
  if (!database.empty()) {
    name += (host.empty() ? (name.empty() ? "" : ", ") : "/") + database;
  }
  return name.empty() ? "PostgreSQL" : Printable(name);
}

}  // namespace

bool IsPostgresUrl(std::string_view text) noexcept {
  return text.starts_with("postgres://") || text.starts_with("postgresql://") ||
         text.starts_with("service=");
}

Result<Conninfo> ParseConninfo(const std::string& text) {
  char* message = nullptr;
  const std::unique_ptr<PQconninfoOption, FreeOptions> options(
      PQconninfoParse(text.c_str(), &message));
  PQfreemem(message);
  if (!options || text.find('\0') != std::string::npos) {
    return tl::unexpected(Malformed());
  }
  Conninfo conninfo;
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val == nullptr || *option->val == '\0') {
      continue;
    }
    const std::string_view keyword = option->keyword;
    if (keyword == "password" || keyword == "sslpassword") {
      return Fail(ErrorCode::kInvalidArgument, "the PostgreSQL URL holds a password",
                  "leave it out: PGPASSFILE, a service= entry or the environment gives it");
    }
    conninfo.settings.emplace_back(keyword, option->val);
  }
  conninfo.name = NameOf(conninfo);
  PreferWritable(conninfo);
  return conninfo;
}

}  // namespace rowseal
