#include "client/last_writes.h"

#include "envelope/contexts.h"

namespace rowseal {
namespace {

WrittenHead HeadToMac(const ProjectId& project, const SecretName& name, const SecretHead& head) {
  return {.write_count = head.written ? head.written->count : 0,
          .project = project,
          .secret = head.id,
          .name = name,
          .kind = head.kind,
          .next_version = head.next_version,
          .lowest_version = head.lowest_version,
          .created_at = head.created_at,
          .attributes = head.attributes};
}

}  // namespace

Result<void> CheckLastWritten(const Session& session, const ProjectId& project,
                              const SecretName& name, const SecretHead& head) {
  return CheckProof(session, head.written, HeadToMac(project, name, head),
                    "the row of secret '" + name.text() + "' (project '" + project.text() + "')");
}

Result<void> CheckLastWritten(const Session& session, const ProjectId& project,
                              const StoredVersion& version) {
  const FieldWriter context =
      WriteContext(SecretContext{session.installation(), project, version.secret, version.name,
                                 version.kind, version.version, version.expires_at});
  return CheckProof(session, version.written,
                    WrittenVersion{.write_count = 0,
                                   .context = context.bytes(),
                                   .created_at = version.created_at,
                                   .dek = version.dek.dek.id,
                                   .nonce = version.nonce,
                                   .encrypted_data = version.encrypted_data},
                    "version " + ToText(version.version) + " of secret " + ToText(version.secret));
}

Result<LastWrite> WrittenAs(const Session& session, const ProjectId& project,
                            const SecretName& name, const SecretHead& head) {
  WrittenHead next = HeadToMac(project, name, head);
  ++next.write_count;
  ROWSEAL_ASSIGN(Bytes mac, session.integrity()->Mac(next));
  return LastWrite{next.write_count, std::move(mac)};
}

}  // namespace rowseal
