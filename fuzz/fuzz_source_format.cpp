// A value of an app's is opened or refused as damaged, whatever it holds and however the manifest
// says it was written; nothing is opened that the format's own rules would refuse.
#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "migration/plausibility.h"
#include "migration/value_decoder.h"
#include "require.h"

namespace {

using namespace rowseal;
using Manifest = std::map<std::string, std::string>;

const Manifest kManifests[] = {
    {{"format", "plain"}, {"encoding", "base64"}},
    {{"format", "node-gcm"}, {"prefix", "e:"}, {"without_prefix", "plain"}, {"content", "text"}},
    {{"format", "node-gcm"}, {"encoding", "raw"}, {"separator", ""}, {"iv_bytes", "16"}},
    {{"format", "node-gcm"}, {"encoding", "base64url"}, {"layout", "ciphertext::iv"}},
    {{"format", "node-gcm"}, {"json", "iv=i,tag=t,ciphertext=c"}, {"encoding", "base64"}},
    {{"format", "aes-256-cbc"}},
    {{"format", "aes-256-cbc"}, {"separator", ""}, {"encoding", "raw"}, {"content", "bytes"}},
    {{"format", "aes-256-cbc"}, {"json", "iv=i,ciphertext=c"}},
    {{"format", "openssl"}, {"kdf", "md5"}},
    {{"format", "openssl"}, {"kdf", "pbkdf2"}, {"iterations", "2"}, {"encoding", "raw"}},
};

// Made once: no key is read, and each is the same for every input.
const std::vector<ValueDecoder>& Decoders() {
  static const std::vector<ValueDecoder>& decoders = *new std::vector<ValueDecoder>([] {
    std::vector<ValueDecoder> made;
    for (Manifest manifest : kManifests) {
      const bool plain = manifest["format"] == "plain";
      if (!plain) {
        manifest["key"] = "file:none";
      }
      const std::array<std::uint8_t, 32> key{1, 2, 3};
      std::optional<SecretBytes> secret;
      if (!plain) {
        secret = *SecretBytes::CopyOf(key);
      }
      auto source = ParseSource(manifest);
      Require(source.has_value());
      auto decoder = ValueDecoder::Make(std::move(source->format), std::move(secret));
      Require(decoder.has_value());
      made.push_back(std::move(*decoder));
    }
    return made;
  }());
  return decoders;
}

void CheckValue(const ValueDecoder& decoder, ByteView stored) {
  const auto opened = decoder.Decode(stored);
  if (!opened) {
    Require(opened.error().code == ErrorCode::kIntegrity);
    Require(IsUtf8(opened.error().message));
    return;
  }
  Require(!decoder.IsAuthenticated());  // nobody guesses a tag
  Require(opened->size() <= stored.size());
  const bool bytes = decoder.format().kind == SourceFormat::Kind::kPlain ||
                     decoder.format().plausibility.content == Plausibility::Content::kBytes;
  Require(bytes || IsText(opened->Reveal()));
  Require(IsText(AsBytes(MaskedSample(opened->Reveal()))));
}

// Lines of `key=value`; what is taken for a format can be made a decoder of.
void CheckManifest(std::string_view text) {
  Manifest manifest;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::size_t equals = std::min(line.find('='), line.size());
    manifest.emplace(line.substr(0, equals), line.substr(std::min(line.size(), equals + 1)));
  }
  auto source = ParseSource(manifest);
  if (!source) {
    Require(source.error().code == ErrorCode::kInvalidArgument);
    Require(IsUtf8(source.error().message));
    return;
  }
  Require(CheckFormat(source->format).has_value());
  Require(source->key.has_value() == (source->format.kind != SourceFormat::Kind::kPlain));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  // The first byte chooses the format, so that what was found in one does not wander to another.
  const ByteView rest(data + 1, size - 1);
  const std::size_t choice = data[0] % (std::size(kManifests) + 1);
  if (choice == std::size(kManifests)) {
    CheckManifest(AsText(rest));
  } else {
    CheckValue(Decoders()[choice], rest);
  }
  return 0;
}
