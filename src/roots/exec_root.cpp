#include "roots/exec_root.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/encoding.h"
#include "crypto/mac.h"
#include "crypto/xaes_256_gcm.h"
#include "envelope/field_writer.h"

namespace rowseal {
namespace {

constexpr std::string_view kGreeting = "rowseal 1 ";  // the protocol's version
constexpr std::size_t kMaxIdentity = 1024;            // bytes
constexpr int kDoesNotOpen = 2;                       // exit status: another key, or damaged
constexpr int kRefused = 3;                           // exit status: asking again will not help

tl::unexpected<Error> NotAuthentic() {
  return Fail(ErrorCode::kIntegrity,
              "the sealed bytes do not open: wrong key, wrong context or a changed byte");
}

Result<Mac> Binding(ByteView secret, ByteView context) {
  return HmacSha256(secret, FieldWriter("rowseal/v1/exec").Add(context).bytes());
}

// Whoever may write to the program is given every wrapping secret.
Result<void> CheckProgram(const std::string& path) {
  const std::string name = "program '" + Printable(path) + "'";
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) {
    return Fail(ErrorCode::kRootKeyMissing, name + ": " + std::strerror(errno),
                "give the path of the program that holds the root key");
  }
  if (!S_ISREG(status.st_mode) || access(path.c_str(), X_OK) != 0) {
    return Fail(ErrorCode::kRootKeyMissing, name + " is not a program that can be started",
                "give the path of an executable file; arguments belong into a script");
  }
  if ((status.st_mode & 022) != 0 || (status.st_uid != 0 && status.st_uid != geteuid())) {
    return Fail(ErrorCode::kRootKeyExposed, name + " can be changed by others",
                "it is to belong to root or to this user; chmod go-w it");
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const ExecRoot>> ExecRoot::Open(const std::string& absolute_path,
                                                       ProgramLimits limits) {
  ROWSEAL_TRY(CheckProgram(absolute_path));
  std::shared_ptr<ExecRoot> root(new ExecRoot(absolute_path, limits));
  ROWSEAL_ASSIGN(const SecretBytes identity, root->Ask("describe", {}));
  if (identity.empty() || identity.size() > kMaxIdentity) {
    return Fail(ErrorCode::kUnavailable,
                "program '" + Printable(absolute_path) + "' named its key in " +
                    std::to_string(identity.size()) + " bytes",
                "to `describe` it answers with 1 to 1,024 bytes that name the key for good");
  }
  ROWSEAL_ASSIGN(const Mac hash, Sha256(FieldWriter("rowseal/v1/fingerprint")
                                            .Add(std::string_view("exec"))
                                            .Add(identity.Reveal())
                                            .bytes()));
  root->fingerprint_.assign(hash.begin(), hash.end());
  return root;
}

Result<SecretBytes> ExecRoot::Ask(std::string_view verb, ByteView data) const {
  ROWSEAL_TRY(CheckProgram(path_));
  ROWSEAL_ASSIGN(SecretBuffer request,
                 SecretBuffer::Create(kGreeting.size() + verb.size() + 1 + data.size()));
  ROWSEAL_TRY(request.Append(AsBytes(kGreeting)));
  ROWSEAL_TRY(request.Append(AsBytes(verb)));
  ROWSEAL_TRY(request.Append(AsBytes("\n")));
  ROWSEAL_TRY(request.Append(data));
  ROWSEAL_ASSIGN(ProgramOutcome outcome, RunProgram(path_, request.Reveal(), limits_));
  switch (outcome.status) {
    case 0:
      return std::move(outcome.output);
    case kDoesNotOpen:
      return NotAuthentic();
    case kRefused:
      return Fail(ErrorCode::kRefusedByState,
                  "program '" + Printable(path_) + "' refuses to " + std::string(verb),
                  "what it wrote to stderr says why");
    default:
      return Fail(ErrorCode::kUnavailable,
                  "program '" + Printable(path_) + "' failed to " + std::string(verb) +
                      " with status " + std::to_string(outcome.status),
                  "look at what it wrote to stderr, then retry");
  }
}

Result<Bytes> ExecRoot::Wrap(const SecretBytes& wrapping_secret, ByteView context) const {
  if (wrapping_secret.size() != kKeySize) {
    return Fail(ErrorCode::kInvalidArgument, "a wrapping secret has 32 bytes");
  }
  ROWSEAL_ASSIGN(const Mac binding, Binding(wrapping_secret.Reveal(), context));
  ROWSEAL_ASSIGN(SecretBuffer bound, SecretBuffer::Create(kKeySize + kMacSize));
  ROWSEAL_TRY(bound.Append(wrapping_secret.Reveal()));
  ROWSEAL_TRY(bound.Append(binding));
  ROWSEAL_ASSIGN(const SecretBytes wrapped, Ask("wrap", bound.Reveal()));
  const ByteView bytes = wrapped.Reveal();
  // A program that gives back what it was given has wrapped nothing.
  if (bytes.size() <= kKeySize ||
      AsText(bytes).find(AsText(wrapping_secret.Reveal())) != std::string_view::npos) {
    return Fail(ErrorCode::kRefusedByState,
                "program '" + Printable(path_) + "' does not wrap what it is given",
                "to `wrap` it answers with the encrypted bytes, and nothing else");
  }
  return Bytes(bytes.begin(), bytes.end());
}

Result<SecretBytes> ExecRoot::Unwrap(ByteView wrapped, ByteView context) const {
  constexpr std::size_t kMaxWrapped = 3072;
  if (wrapped.size() > kMaxWrapped) {
    return NotAuthentic();
  }
  ROWSEAL_ASSIGN(const SecretBytes bound, Ask("unwrap", wrapped));
  if (bound.size() != kKeySize + kMacSize) {
    return NotAuthentic();
  }
  const ByteView secret = bound.Reveal().first(kKeySize);
  ROWSEAL_ASSIGN(const Mac binding, Binding(secret, context));
  if (!EqualInConstantTime(binding, bound.Reveal().subspan(kKeySize))) {
    return NotAuthentic();
  }
  return SecretBytes::CopyOf(secret);
}

}  // namespace rowseal
