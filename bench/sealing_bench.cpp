// Rows `seal`, `open` and `threads`: a secret of 64 bytes under an unwrapped DEK, by the calls that
// put and get make for each value between the caller and SQL. A put writes the context, draws a
// nonce, pads and seals into memory of its own, opens that again and compares, and computes the
// write MAC; a get writes the context and opens into guarded memory of its own, which is wiped when
// it goes. Beside each the same cryptography by bare OpenSSL: as many seals, opens, MACs and
// nonces, over the same bytes, which lie ready in memory.

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

void CountItems(benchmark::State& state) {
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}

void Seal(benchmark::State& state) {
  const Subject& subject = TheSubject();
  for (auto _ : state) {
    const FieldWriter context = subject.Context();
    FreshNonces nonces = Must(FreshNonces::Draw(1));
    const auto sealed = SealProven(subject.key, subject.value, context.bytes(), nonces);
    const auto mac =
        sealed ? subject.integrity.WriteMac(context.bytes(), sealed->nonce, sealed->encrypted_data)
               : Result<Bytes>(tl::unexpected(sealed.error()));
    if (!mac) {
      state.SkipWithError("seal failed");
      return;
    }
    benchmark::DoNotOptimize(sealed->encrypted_data.data());
    benchmark::DoNotOptimize(mac->data());
  }
  CountItems(state);
}

void Open(benchmark::State& state) {
  const Subject& subject = TheSubject();
  const Bytes same_context = subject.Context().Take();
  const SealedBytes sealed = SealedSubject(same_context);
  for (auto _ : state) {
    const FieldWriter context = subject.Context();
    const auto value =
        OpenPadded(subject.key, sealed.encrypted_data, sealed.nonce, context.bytes());
    if (!value) {
      state.SkipWithError("open failed");
      return;
    }
    benchmark::DoNotOptimize(value->Reveal().data());
  }
  CountItems(state);
}

// The message of a write MAC, with places for the nonce and the ciphertext of each round.
struct MacMessage {
  explicit MacMessage(ByteView context) {
    XaesNonce marker;
    marker.fill(0xA5);
    const std::array<std::uint8_t, kPadded + kTagSize> data{};
    bytes = FieldWriter("rowseal/v1/write-mac").Add(context).Add(marker).Add(data).Take();
    nonce = std::search(bytes.begin(), bytes.end(), marker.begin(), marker.end()) - bytes.begin();
  }
  void Fill(const BareXaes::Nonce& used, ByteView data) {
    std::copy(used.begin(), used.end(), bytes.begin() + nonce);
    std::copy(data.begin(), data.end(), bytes.end() - static_cast<std::ptrdiff_t>(data.size()));
  }
  Bytes bytes;
  std::ptrdiff_t nonce;
};

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
  MacMessage message(context);
  for (auto _ : state) {
    if (!xaes.Seal(padded, context, nonce, out) || !xaes.Open(out, context, nonce, again) ||
        again != padded) {
      state.SkipWithError("seal failed");
      return;
    }
    message.Fill(nonce, out);
    if (!hmac.Compute(message.bytes, mac)) {
      state.SkipWithError("MAC failed");
      return;
    }
    benchmark::DoNotOptimize(mac.data());
    benchmark::ClobberMemory();
  }
  // If the yardstick did other work, the library would not accept what it made.
  if (!OpenPadded(subject.key, out, nonce, context) ||
      !std::ranges::equal(Must(subject.integrity.WriteMac(context, nonce, out)), mac)) {
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
  for (auto _ : state) {
    if (!xaes.Open(sealed.encrypted_data, context, sealed.nonce, out)) {
      state.SkipWithError("open failed");
      return;
    }
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
