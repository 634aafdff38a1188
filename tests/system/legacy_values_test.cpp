// Values that Node.js and `openssl enc` write, each made now by the program itself, are opened as a
// manifest says. Where a program is not installed, its tests are skipped.
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "migration/value_decoder.h"
#include "support/legacy_values.h"
#include "support/test_store.h"

namespace rowseal {
namespace {

using testing::FailsWith;
using testing::Must;
using testing::TempFolder;
using testing::TextOf;
using testing::WriteFile;
using Manifest = std::map<std::string, std::string>;

const std::string kTexts[] = {"",
                              "s",
                              "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
                              "Grüße, 世界 🔑",
                              "two\r\nlines and 'quotes' \"too\" $HOME \\n",
                              std::string(5'000, 'x')};
const std::string kSecret = "the app's old secret";

struct Ended {
  int status;
  std::string output;
};

Ended RunProgram(const std::string& command) {
  std::string output;
  FILE* const pipe = popen((command + " 2>/dev/null").c_str(), "r");
  std::array<char, 4096> piece{};
  for (std::size_t size = 0; (size = fread(piece.data(), 1, piece.size(), pipe)) != 0;) {
    output.append(piece.data(), size);
  }
  const int status = pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, output};
}

bool IsInstalled(const std::string& program) {
  return RunProgram("command -v " + program).status == 0;
}

// What an app has: a folder with its secret, and a value of every text.
class LegacyValues : public ::testing::Test {
 protected:
  LegacyValues() { WriteFile(folder_ / "secret", kSecret + "\n"); }

  // The value that `command` makes of `text`, which it finds in the file `text`.
  std::string Written(const std::string& command, std::string_view text) {
    WriteFile(folder_ / "text", text);
    const Ended run = RunProgram("cd '" + folder_.path() + "' && " + command);
    EXPECT_EQ(run.status, 0) << command;
    return run.output;
  }

  // The value that an app writes that ends in the expression `value`; it may use `crypto`, the
  // `secret`, the `text`, and `gcm(key, ivBytes)` and `cbc(key)`, which give the parts.
  std::string WrittenByNode(const std::string& value, std::string_view text) {
    WriteFile(folder_ / "app.js", R"(
      const crypto = require('node:crypto');
      const fs = require('node:fs');
      const secret = fs.readFileSync('secret', 'utf8').trim();
      const text = fs.readFileSync('text', 'utf8');
      const sha256 = () => crypto.createHash('sha256').update(secret);
      function gcm(key, ivBytes, aad) {
        const iv = crypto.randomBytes(ivBytes);
        const cipher = crypto.createCipheriv('aes-256-gcm', key, iv);
        if (aad) cipher.setAAD(Buffer.from(aad));
        const data = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
        return { iv, data, tag: cipher.getAuthTag() };
      }
      function cbc(key) {
        const iv = crypto.randomBytes(16);
        const cipher = crypto.createCipheriv('aes-256-cbc', key, iv);
        return { iv, data: Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]) };
      }
      (async () => process.stdout.write(await ()" +
                                      value + ")))();\n");
    return Written("node app.js", text);
  }

  ValueDecoder Decoder(Manifest manifest) {
    manifest.emplace("key", "file:" + (folder_ / "secret"));
    return Must(ValueDecoder::Open(Must(ParseSource(manifest))));
  }

  void ExpectOpens(const Manifest& manifest, const std::string& stored, const std::string& text) {
    const Result<SecretBytes> opened = Decoder(manifest).Decode(AsBytes(stored));
    ASSERT_THAT(opened, testing::Succeeds()) << stored;
    EXPECT_EQ(TextOf(*opened), text);
  }

  TempFolder folder_;
};

struct NodeApp {
  const char* value;
  Manifest manifest;
};

const NodeApp kNodeApps[] = {
    {"(({iv, tag, data}) => [iv, tag, data].map((b) => b.toString('hex')).join(':'))"
     "(gcm(sha256().digest(), 12))",
     {{"format", "node-gcm"}, {"key_hash", "sha256"}}},
    {"(({iv, tag, data}) => 'enc:v1:' + [iv, data, tag].map((b) => b.toString('base64')).join('.'))"
     "(gcm(sha256().digest(), 16))",
     {{"format", "node-gcm"},
      {"key_hash", "sha256"},
      {"prefix", "enc:v1:"},
      {"encoding", "base64"},
      {"layout", "iv.ciphertext.tag"},
      {"iv_bytes", "16"}}},
    {"(({iv, tag, data}) => Buffer.concat([iv, tag, data]).toString('base64'))"
     "(gcm(crypto.scryptSync(secret, 'salt', 32), 12))",
     {{"format", "node-gcm"},
      {"key_hash", "scrypt"},
      {"salt", "salt"},
      {"encoding", "base64"},
      {"separator", ""}}},
    {"(({iv, tag, data}) => JSON.stringify({v: 1, iv: iv.toString('base64url'),"
     " data: data.toString('base64url'), authTag: tag.toString('base64url')}, null, 2))"
     "(gcm(sha256().digest(), 12, 'users.token'))",
     {{"format", "node-gcm"},
      {"key_hash", "sha256"},
      {"encoding", "base64url"},
      {"aad", "users.token"},
      {"json", "iv=iv,tag=authTag,ciphertext=data"}}},
    {"(async () => { const iv = crypto.randomBytes(12); const key = await"
     " crypto.subtle.importKey('raw', sha256().digest(), 'AES-GCM', false, ['encrypt']);"
     " return Buffer.concat([iv, Buffer.from(await crypto.subtle.encrypt("
     "{name: 'AES-GCM', iv}, key, Buffer.from(text)))]).toString('hex'); })()",
     {{"format", "node-gcm"},
      {"key_hash", "sha256"},
      {"layout", "iv:ciphertext"},
      {"separator", ""}}},
    {"(({iv, data}) => iv.toString('hex') + ':' + data.toString('hex'))"
     "(cbc(sha256().digest('hex').slice(0, 32)))",
     {{"format", "aes-256-cbc"}, {"key_hash", "sha256-hex"}}},
    {"(({iv, data}) => iv.toString('base64') + '|' + data.toString('base64'))"
     "(cbc(sha256().digest('base64').substr(0, 32)))",
     {{"format", "aes-256-cbc"},
      {"key_hash", "sha256-base64"},
      {"encoding", "base64"},
      {"layout", "iv|ciphertext"}}},
};

TEST_F(LegacyValues, OfNodeOpen) {
  if (!IsInstalled("node")) {
    GTEST_SKIP() << "skipped: node is not installed";
  }
  for (const auto& [value, manifest] : kNodeApps) {
    for (const std::string& text : kTexts) {
      ExpectOpens(manifest, WrittenByNode(value, text), text);
    }
  }
}

TEST_F(LegacyValues, OfNodeDoNotOpenWithAnotherKey) {
  if (!IsInstalled("node")) {
    GTEST_SKIP() << "skipped: node is not installed";
  }
  WriteFile(folder_ / "wrong", "another secret");
  for (const auto& [value, manifest] : kNodeApps) {
    const std::string stored = WrittenByNode(value, "sk_live_4eC39HqLyjWDarjtT1zdp7dc");
    Manifest wrong = manifest;
    wrong["key"] = "file:" + (folder_ / "wrong");
    EXPECT_THAT(Decoder(wrong).Decode(AsBytes(stored)), FailsWith(ErrorCode::kIntegrity));
  }
}

struct EncOptions {
  const char* options;
  Manifest manifest;
};

TEST_F(LegacyValues, OfOpenSslEncOpen) {
  if (!IsInstalled("openssl")) {
    GTEST_SKIP() << "skipped: openssl is not installed";
  }
  const EncOptions all[] = {
      {"-a -md md5", {{"kdf", "md5"}}},
      {"-a", {{"kdf", "sha256"}}},
      {"-A -a -md sha256", {{"kdf", "sha256"}}},
      {"-a -pbkdf2", {{"kdf", "pbkdf2"}}},
      {"-a -pbkdf2 -iter 600", {{"kdf", "pbkdf2"}, {"iterations", "600"}}},
      {"-pbkdf2", {{"kdf", "pbkdf2"}, {"encoding", "raw"}}},
  };
  for (const auto& [options, options_manifest] : all) {
    for (const std::string& text : kTexts) {
      Manifest manifest = options_manifest;
      manifest["format"] = "openssl";
      ExpectOpens(
          manifest,
          Written("openssl enc -aes-256-cbc -pass file:secret -in text " + std::string(options),
                  text),
          text);
    }
  }
}

TEST_F(LegacyValues, OfOpenSslEncWithAKeyOpen) {
  if (!IsInstalled("openssl")) {
    GTEST_SKIP() << "skipped: openssl is not installed";
  }
  const std::string key = ToHex(testing::CountedKey(1));
  const std::string iv = ToHex(testing::Counted(16));
  WriteFile(folder_ / "key", key + "\n");
  for (const std::string& text : kTexts) {
    const std::string sealed =
        Written("openssl enc -aes-256-cbc -A -a -in text -K " + key + " -iv " + iv, text);
    ExpectOpens({{"format", "aes-256-cbc"},
                 {"key", "file:" + (folder_ / "key")},
                 {"encoding", "iv=hex,ciphertext=base64"}},
                iv + ":" + sealed, text);
  }
}

}  // namespace
}  // namespace rowseal
