// Rows `seal`, `open` and `threads`: a secret of 64 bytes under an unwrapped DEK, by the calls that
// put and get make for each value (the context is written, the value padded and sealed into memory
// of its own; opened into guarded memory of its own, unpadded, and wiped when it goes). Beside it
// the same XAES by bare OpenSSL, with the same context bytes and the padded value ready in memory.

#include <algorithm>
#include <array>
#include <cstdio>
#include <stdexcept>

#include <benchmark/benchmark.h>

#include "bare_openssl.h"
#include "client/sealing.h"
#include "envelope/contexts.h"
#include "envelope/padding.h"
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
    const auto sealed = SealPadded(subject.key, subject.value, context.bytes(), nonces);
    if (!sealed) {
      state.SkipWithError("seal failed");
      return;
    }
    benchmark::DoNotOptimize(sealed->encrypted_data.data());
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

void BareSeal(benchmark::State& state) {
  const Subject& subject = TheSubject();
  const Bytes context = subject.Context().Take();
  std::array<std::uint8_t, kPadded> padded{};
  std::copy(subject.value.begin(), subject.value.end(), padded.begin());
  Pad(padded, kValueSize);
  std::array<std::uint8_t, kPadded + BareXaes::kTagBytes> out;
  BareXaes xaes(subject.key_bytes);
  BareXaes::Nonce nonce;
  for (auto _ : state) {
    if (!xaes.Seal(padded, context, nonce, out)) {
      state.SkipWithError("seal failed");
      return;
    }
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  // If the yardstick did another XAES, the library would not open what it made.
  if (!OpenPadded(subject.key, out, nonce, context)) {
    state.SkipWithError("the yardstick seals something else");
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
