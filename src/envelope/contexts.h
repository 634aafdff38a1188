#pragma once

#include <optional>
#include <span>
#include <string>

#include <rowseal/bytes.h>
#include <rowseal/ids.h>

#include "envelope/field_writer.h"
#include "envelope/suite.h"

namespace rowseal {

/// A context is what a seal or a wrap binds as additional authenticated data. It stops ciphertext
/// from being moved: to another installation, project, secret, name, kind, version, column, row or
/// key. Formats: docs/spec/contexts.md.

struct SecretContext {
  InstallationId installation;
  const ProjectId& project;
  SecretId secret;
  const SecretName& name;
  SecretKind kind;
  SecretVersion version;
  std::optional<Timestamp> expires_at;
};

/// ValueContext is for a value in an app's column. The column enters by its random id, so that
/// labels, tables and columns may be renamed; `row_key` counts for ContextKind::kCell only.
struct ValueContext {
  InstallationId installation;
  const ProjectId& project;
  ColumnId column;
  ContextKind kind;
  std::span<const std::string> row_key;
};

struct DekContext {
  InstallationId installation;
  const ProjectId& project;
  DekId dek;
  std::string_view purpose;
  Suite suite;
  ByteView check_value;
  KekId kek;
};

struct KekContext {
  InstallationId installation;
  KekId kek;
  std::string_view scope;
  std::string_view purpose;
  ByteView check_value;
  RootId root;
};

/// WriteContext is EncodeContext without an allocation, for what every get and put does.
FieldWriter WriteContext(const SecretContext& context);

Bytes EncodeContext(const SecretContext& context);
Bytes EncodeContext(const ValueContext& context);
Bytes EncodeContext(const DekContext& context);
Bytes EncodeContext(const KekContext& context);

}  // namespace rowseal
