// Rows `seal`, `open` and `threads`: a secret of 64 bytes under an unwrapped DEK, by the calls that
// put and get make for each value between the caller and SQL. A put writes the context, draws a
// nonce, pads and seals into memory of its own, opens that again and compares, and computes the
// MACs of the version and of the secret's row; a get writes the context, opens into guarded memory
// of its own, which is wiped when it goes, and compares both MACs. Beside each the same
// cryptography by bare OpenSSL: as many seals, opens, MACs and nonces, over the same bytes, which
// lie ready in memory.

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <stdexcept>

#include <benchmark/benchmark.h>

#include "bare_openssl.h"
#include "client/sealing.h"
#include "envelope/contexts.h"
#include "envelope/field_writer.h"
#include "envelope/padding.h"
#include "keys/integrity_key.h"
#include "measures.h"

namespace rowseal::bench {
namespace {

constexpr std::size_t kValueSize = 64;
constexpr std::size_t kPadded = PaddedSize(kValueSize);
constexpr benchmark::IterationCount kIterations = 2'000;  // about 1 ms: often undisturbed

template <class T>
T Must(Result<T> result) {
  if (!result) {
    throw std::runtime_error(result.error().message);
  }
  return std::move(*result);
}

// A secret as a multi-tenant app has it: the project is a uuid.
struct Subject {
  ProjectId project = Must(ProjectId::Parse("8c6a1e5e-0f8f-4b8e-9d43-9c1f4f1f7d10"));
  SecretName name = Must(SecretName::Parse("github-webhook-signing-key"));
  InstallationId installation{{0x0b, 0x6e, 0x9a, 0x31}};
  SecretId secret{{0xc4, 0x11, 0x5d, 0x7f}};
  std::array<std::uint8_t, kKeySize> key_bytes{0x5A};
  XaesKey key = Must(XaesKey::Create(Must(SecretBytes::CopyOf(key_bytes))));
  IntegrityKey integrity{installation,
                         std::make_shared<const Kek>(
                             KekId{2}, Must(XaesKey::Create(Must(SecretBytes::CopyOf(key_bytes)),
                                                            ExpandedForm::kForOneCall)))};
  std::array<std::uint8_t, kValueSize> value{};

  FieldWriter Context() const {
    return WriteContext(SecretContext{installation, project, secret, name, SecretKind::kWebhook,
                                      SecretVersion{7}, std::nullopt});
  }
};

const Subject& TheSubject() {
  static const Subject subject;
  return subject;
}

SealedBytes SealedSubject(ByteView context) {
  FreshNonces nonces = Must(FreshNonces::Draw(1));
  return Must(SealPadded(TheSubject().key, TheSubject().value, context, nonces));
}

constexpr Timestamp kCreated{std::chrono::microseconds(1'764'000'000'000'000)};
constexpr DekId kDek{{0x77, 0x13}};

WrittenVersion VersionOf(ByteView context, ByteView nonce, ByteView encrypted_data) {
  return {.write_count = 1,
          .context = context,
          .created_at = kCreated,
          .dek = kDek,
          .nonce = nonce,
          .encrypted_data = encrypted_data};
}

WrittenHead HeadOf(const Subject& subject) {
  return {.write_count = 7,
          .project = subject.project,
          .secret = subject.secret,
          .name = subject.name,
          .kind = SecretKind::kWebhook,
          .next_version = SecretVersion{8},
          .lowest_version = SecretVersion{1},
          .created_at = kCreated,
          .attributes = {}};
}

void CountItems(benchmark::State& state) {
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}

void Seal(benchmark::State& state) {
  const Subject& subject = TheSubject();
  for (auto _ : state) {
    const FieldWriter context = subject.Context();
    FreshNonces nonces = Must(FreshNonces::Draw(1));
    const auto sealed = SealProven(subject.key, subject.value, context.bytes(), nonces);
    if (!sealed) {
      state.SkipWithError("seal failed");
      return;
    }
    const auto mac =
        subject.integrity.Mac(VersionOf(context.bytes(), sealed->nonce, sealed->encrypted_data));
    const auto head = subject.integrity.Mac(HeadOf(subject));
    if (!mac || !head) {
      state.SkipWithError("MAC failed");
      return;
    }
    benchmark::DoNotOptimize(sealed->encrypted_data.data());
    benchmark::DoNotOptimize(mac->data());
    benchmark::DoNotOptimize(head->data());
  }
  CountItems(state);
}

void Open(benchmark::State& state) {
  const Subject& subject = TheSubject();
  const Bytes same_context = subject.Context().Take();
  const SealedBytes sealed = SealedSubject(same_context);
  const Bytes mac =
      Must(subject.integrity.Mac(VersionOf(same_context, sealed.nonce, sealed.encrypted_data)));
  const Bytes head_mac = Must(subject.integrity.Mac(HeadOf(subject)));
  for (auto _ : state) {
    const FieldWriter context = subject.Context();
    const auto value =
        OpenPadded(subject.key, sealed.encrypted_data, sealed.nonce, context.bytes());
    const bool is_proven =
        subject.integrity
            .CheckLastWrite(VersionOf(context.bytes(), sealed.nonce, sealed.encrypted_data), mac,
                            {})
            .has_value() &&
        subject.integrity.CheckLastWrite(HeadOf(subject), head_mac, {}).has_value();
    if (!value || !is_proven) {
      state.SkipWithError("open failed");
      return;
    }
    benchmark::DoNotOptimize(value->Reveal().data());
  }
  CountItems(state);
}

// The messages of the MACs, with places for the nonce and the ciphertext of each round.
struct MacMessages {
  MacMessages(const Subject& subject, ByteView context) {
    XaesNonce marker;
    marker.fill(0xA5);
    const std::array<std::uint8_t, kPadded + kTagSize> data{};
    version = FieldWriter("rowseal/v2/version-mac")
                  .AddInteger(1)
                  .Add(context)
                  .Add(std::optional(kCreated))
                  .Add(kDek)
                  .Add(marker)
                  .Add(data)
                  .Take();
    nonce =
        std::search(version.begin(), version.end(), marker.begin(), marker.end()) - version.begin();
    head = FieldWriter("rowseal/v2/head-mac")
               .AddInteger(7)
               .Add(subject.installation)
               .Add(subject.project)
               .Add(subject.secret)
               .Add(subject.name)
               .Add(ToText(SecretKind::kWebhook))
               .Add(SecretVersion{8})
               .Add(SecretVersion{1})
               .Add(std::optional(kCreated))
               .Add(std::string_view())
               .Take();
  }
  void Fill(const BareXaes::Nonce& used, ByteView data) {
    std::copy(used.begin(), used.end(), version.begin() + nonce);
    std::copy(data.begin(), data.end(), version.end() - static_cast<std::ptrdiff_t>(data.size()));
  }
  bool Compute(BareHmac& hmac, BareHmac::Mac& version_mac, BareHmac::Mac& head_mac) const {
    return hmac.Compute(version, version_mac) && hmac.Compute(head, head_mac);
  }
  Bytes version;
  Bytes head;
  std::ptrdiff_t nonce;
};

// Whether the yardstick makes what the library does: the id of the key comes first there.
bool IsSame(const Bytes& tag, const BareHmac::Mac& mac) {
  return std::equal(tag.begin() + 8, tag.end(), mac.begin(), mac.end());
}

void BareSeal(benchmark::State& state) {
  const Subject& subject = TheSubject();
  const Bytes context = subject.Context().Take();
  std::array<std::uint8_t, kPadded> padded{};
  std::copy(subject.value.begin(), subject.value.end(), padded.begin());
  Pad(padded, kValueSize);
  std::array<std::uint8_t, kPadded + BareXaes::kTagBytes> out;
  std::array<std::uint8_t, kPadded> again;
  BareXaes xaes(subject.key_bytes);
  BareHmac hmac(subject.key_bytes);
  BareXaes::Nonce nonce;
  BareHmac::Mac mac;
  BareHmac::Mac head_mac;
  MacMessages messages(subject, context);
  for (auto _ : state) {
    if (!xaes.Seal(padded, context, nonce, out) || !xaes.Open(out, context, nonce, again) ||
        again != padded) {
      state.SkipWithError("seal failed");
      return;
    }
    messages.Fill(nonce, out);
    if (!messages.Compute(hmac, mac, head_mac)) {
      state.SkipWithError("MAC failed");
      return;
    }
    benchmark::DoNotOptimize(mac.data());
    benchmark::DoNotOptimize(head_mac.data());
    benchmark::ClobberMemory();
  }
  // If the yardstick did other work, the library would not accept what it made.
  if (!OpenPadded(subject.key, out, nonce, context) ||
      !IsSame(Must(subject.integrity.Mac(VersionOf(context, nonce, out))), mac) ||
      !IsSame(Must(subject.integrity.Mac(HeadOf(subject))), head_mac)) {
    state.SkipWithError("the yardstick makes something else");
    return;
  }
  CountItems(state);
}

void BareOpen(benchmark::State& state) {
  const Subject& subject = TheSubject();
  const Bytes context = subject.Context().Take();
  const SealedBytes sealed = SealedSubject(context);
  std::array<std::uint8_t, kPadded> out;
  BareXaes xaes(subject.key_bytes);
  BareHmac hmac(subject.key_bytes);
  MacMessages messages(subject, context);
  messages.Fill(sealed.nonce, sealed.encrypted_data);
  BareHmac::Mac mac;
  BareHmac::Mac head_mac;
  for (auto _ : state) {
    if (!xaes.Open(sealed.encrypted_data, context, sealed.nonce, out) ||
        !messages.Compute(hmac, mac, head_mac)) {
      state.SkipWithError("open failed");
      return;
    }
    benchmark::DoNotOptimize(mac.data());
    benchmark::DoNotOptimize(head_mac.data());
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  CountItems(state);
}

void OneAndTwoThreads(benchmark::internal::Benchmark* benchmark) {
  benchmark->Threads(1)->Threads(2)->UseRealTime()->Iterations(kIterations);
}

BENCHMARK(Seal)->Apply(OneAndTwoThreads);
BENCHMARK(BareSeal)->Apply(OneAndTwoThreads);
BENCHMARK(Open)->Apply(OneAndTwoThreads);
BENCHMARK(BareOpen)->Apply(OneAndTwoThreads);

}  // namespace

void PrintContext() {
  for (const std::uint8_t byte : TheSubject().Context().Take()) {
    std::printf("%02x", byte);
  }
  std::printf("\n");
}

}  // namespace rowseal::bench
