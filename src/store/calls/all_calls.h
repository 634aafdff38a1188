#pragma once

#include <tuple>

#include "store/calls/audit_append.h"
#include "store/calls/dek_active.h"
#include "store/calls/dek_insert.h"
#include "store/calls/dek_rewrap.h"
#include "store/calls/secret_delete.h"
#include "store/calls/secret_get.h"
#include "store/calls/secret_list.h"
#include "store/calls/secret_lock.h"
#include "store/calls/secret_put.h"
#include "store/calls/secret_rename.h"
#include "store/calls/secret_reseal.h"
#include "store/calls/secret_version_read.h"
#include "store/calls/secret_versions.h"
#include "store/calls/store_format.h"
#include "store/calls/store_time.h"
#include "store/calls/trust_load.h"
#include "store/calls/value_prepare.h"

namespace rowseal {

/// CallIs stands for a call in a list of them.
template <class Call_>
struct CallIs {
  using Call = Call_;
};

/// ForEachCall visits every call, as CallIs<…>.
template <class Visit>
constexpr void ForEachCall(Visit&& visit) {
  const auto all = [&]<class... Calls>(std::tuple<CallIs<Calls>...>*) {
    (visit(CallIs<Calls>{}), ...);
  };
  all(static_cast<
      std::tuple<CallIs<TrustLoad>, CallIs<SecretGet>, CallIs<SecretPut>, CallIs<DekActive>,
                 CallIs<DekInsert>, CallIs<ValuePrepare>, CallIs<AuditAppend>, CallIs<StoreTime>,
                 CallIs<StoreFormat>, CallIs<SecretList>, CallIs<SecretVersions>,
                 CallIs<SecretLock>, CallIs<SecretVersionRead>, CallIs<SecretReseal>,
                 CallIs<SecretRename>, CallIs<SecretDelete>, CallIs<DekRewrap>>*>(nullptr));
}

/// EffectOf gives a procedure's effect.
constexpr Effect EffectOf(Procedure procedure) {
  Effect effect = Effect::kChanges;
  ForEachCall([&]<class Call>(CallIs<Call>) {
    if (Call::kProcedure == procedure) {
      effect = Call::kEffect;
    }
  });
  return effect;
}

}  // namespace rowseal
