#pragma once

#include "store/calls/call.h"

namespace rowseal {

/// StoredVersion is one row of secret_version with its secret's head and its DEK.
struct StoredVersion {
  SecretId secret;
  SecretName name;
  SecretKind kind = SecretKind::kWorkflow;
  SecretVersion version;
  std::optional<Timestamp> expires_at;
  Timestamp created_at;
  Bytes nonce;
  Bytes encrypted_data;
  std::optional<LastWrite> written;  ///< none: its MAC is gone
  DekAndKek dek;
};

template <>
inline StoredVersion Blank<StoredVersion>() {
  return {{}, Blank<SecretName>(), {}, {}, {}, {}, {}, {}, {}, Blank<DekAndKek>()};
}

constexpr auto FieldsOf(const StoredVersion*) {
  using Of = StoredVersion;
  return std::tuple{Field("id", &Of::secret),
                    Field("name", &Of::name),
                    Field("kind", &Of::kind),
                    Field("version", &Of::version),
                    Field("expires_at", &Of::expires_at),
                    Field("created_at", &Of::created_at),
                    Field("nonce", &Of::nonce, kNonceBytes),
                    Field("encrypted_data", &Of::encrypted_data, kSealedBytes),
                    Part(&Of::written),
                    Part(&Of::dek)};
}

/// kJoinVersionMac joins `version_mac w`, where StoredVersionColumns finds a version's last write.
inline constexpr const char* kJoinVersionMac =
    " LEFT JOIN rowseal.version_mac w ON w.project_id = v.project_id"
    " AND w.secret_id = v.secret_id AND w.version = v.version";

/// StoredVersionColumns are what StoredVersion reads, for a query of `secret s`, `secret_version
/// v`, `version_mac w`, `dek d` and `kek k`.
const std::string& StoredVersionColumns();

/// ReadStoredVersion reads them from a project's row. Errors: kIntegrity.
Result<StoredVersion> ReadStoredVersion(const ProjectId& project, RowReader& reader);

/// SecretVersionRead reads a version to seal it again. Until the transaction ends, no one else
/// changes it.
struct SecretVersionRead {
  static constexpr Procedure kProcedure = Procedure::kSecretVersionRead;
  static constexpr std::string_view kName = "secret_version_read";
  static constexpr Effect kEffect = Effect::kNone;

  struct Request {
    using Call = SecretVersionRead;
    ProjectId project;
    SecretId secret;
    SecretVersion version;
  };
  using Row = StoredVersion;
  using Answer = std::optional<StoredVersion>;
};

constexpr auto FieldsOf(const SecretVersionRead::Request*) {
  using Request = SecretVersionRead::Request;
  return std::tuple{Field("project", &Request::project), Field("secret_id", &Request::secret),
                    Field("version", &Request::version)};
}

/// Decode errors: kIntegrity (another secret or version, or a DEK that is not for secrets).
Result<SecretVersionRead::Answer> Decode(const SecretVersionRead::Request& request, Rows rows);

}  // namespace rowseal
