// Random sequences of what operators do to keys, with writers in between, against a model of a few
// lines: what is illegal is refused and changes nothing, and all that should open does.
#include <array>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "support/soak.h"
#include "support/test_store.h"

namespace rowseal::testing {
namespace {

constexpr std::size_t kSequences = 20;
constexpr std::size_t kSequencesOnPostgres = 2;  // each makes a database
constexpr int kLongest = 40;                     // steps of one

enum class Verb { kRotate, kSuspend, kResume, kCompromised, kDestroy, kRotateDeks, kJobs, kPut };

// Steps are about KEKs 1 to 8, of which 2 is the integrity key and some do not exist yet.
struct Step {
  Verb verb;
  std::int64_t kek;
};

std::ostream& operator<<(std::ostream& out, const Step& step) {
  constexpr const char* kNames[] = {"rotate",  "suspend",     "resume", "compromised",
                                    "destroy", "rotate deks", "jobs",   "put"};
  return out << kNames[static_cast<int>(step.verb)] << " " << step.kek;
}

// The model: states by KEK. A KEK that is not active keeps no DEK, because rotations and
// compromises move all; while the active one is suspended, nothing opens.
struct ModelOfStates {
  std::map<std::int64_t, std::string> states{{1, "active"}};
  std::map<std::int64_t, std::string> resumes_to;
  std::int64_t next = 3;

  std::string Of(std::int64_t kek) const {
    const auto found = states.find(kek);
    return found == states.end() ? "none" : found->second;
  }
  std::int64_t Active() const {
    for (const auto& [kek, state] : states) {
      if (state == "active") {
        return kek;
      }
    }
    return 0;
  }

  std::string Apply(const Step& step) {
    const std::string state = Of(step.kek);
    const bool is_about_a_kek = step.verb == Verb::kSuspend || step.verb == Verb::kResume ||
                                step.verb == Verb::kCompromised || step.verb == Verb::kDestroy;
    if (is_about_a_kek && step.kek == 2) {
      return "refused_by_state";
    }
    if (is_about_a_kek && state == "destroyed" && step.verb == Verb::kDestroy) {
      return "refused_by_state";
    }
    if (is_about_a_kek && (state == "none" || state == "destroyed")) {
      return "not_found";
    }
    switch (step.verb) {
      case Verb::kRotate:
        return Active() == 0 ? "refused_by_state" : Replace(Active(), "deactivated");
      case Verb::kSuspend:
        if (state != "active" && state != "deactivated") {
          return "refused_by_state";
        }
        resumes_to[step.kek] = state;
        states[step.kek] = "suspended";
        return "done";
      case Verb::kResume:
        if (state != "suspended") {
          return "refused_by_state";
        }
        states[step.kek] = resumes_to[step.kek];
        return "done";
      case Verb::kCompromised:
        if (state == "active" || (state == "suspended" && resumes_to[step.kek] == "active")) {
          return Replace(step.kek, "compromised");
        }
        if (Active() == 0) {
          return "refused_by_state";
        }
        states[step.kek] = "compromised";
        return "done";
      case Verb::kDestroy:
        if (state != "deactivated" && state != "compromised") {
          return "refused_by_state";
        }
        states[step.kek] = "destroyed";
        return "done";
      default:
        return Active() == 0 ? "refused_by_state" : "done";
    }
  }

 private:
  std::string Replace(std::int64_t kek, const std::string& becomes) {
    states[kek] = becomes;
    states[next++] = "active";
    return "done";
  }
};

template <class T>
std::string OutcomeOf(const Result<T>& result) {
  return result ? "done" : std::string(ErrorName(result.error().code));
}

// One store, two processes, and the values that were stored.
class Sequence {
 public:
  Sequence() : clients_{store_.Open(), store_.Open()} {
    Must(SetPolicy(clients_[0], "destroy.wait", "0s"));
    for (const std::string name : {"one", "two"}) {
      Must(Put(clients_[0], "acme", name, "value"));
      values_[name] = "value";
    }
  }

  void Do(const Step& step) {
    const std::string before = store_.Content();
    const std::string expected = model_.Apply(step);
    const std::string outcome = Perform(step);
    RC_ASSERT(outcome == expected);
    if (outcome != "done") {
      RC_ASSERT(store_.Content() == before);
    }
    CompareStates();
    for (Client& client : clients_) {
      ReadAll(client);
    }
  }

  void End() {
    for (const auto& [kek, state] : std::map(model_.states)) {
      if (state == "suspended") {
        Do({Verb::kResume, kek});
      }
    }
    Must(RunJobs(clients_[1]));
    ReadAll(clients_[0]);
    RC_ASSERT(VerifyFailures(clients_[0]).empty());
    RC_ASSERT(Must(ListJobs(clients_[0])).empty());
  }

 private:
  std::string Perform(const Step& step) {
    Client& client = clients_[++calls_ % 2];
    switch (step.verb) {
      case Verb::kRotate:
        return OutcomeOf(RotateKek(client));
      case Verb::kSuspend:
        return OutcomeOf(SuspendKek(client, KekId{step.kek}));
      case Verb::kResume:
        return OutcomeOf(ResumeKek(client, KekId{step.kek}));
      case Verb::kCompromised:
        return OutcomeOf(DeclareCompromised(client, KekId{step.kek}));
      case Verb::kDestroy:
        return OutcomeOf(DestroyKek(client, KekId{step.kek}));
      case Verb::kRotateDeks:
        return OutcomeOf(RotateDeks(client, Project("acme")));
      case Verb::kJobs: {
        // Without an active KEK a job that is there cannot be run, and none is no failure.
        const auto ran = RunJobs(client);
        return model_.Active() == 0 && ran ? "refused_by_state" : OutcomeOf(ran);
      }
      case Verb::kPut: {
        const std::string name = "name" + std::to_string(step.kek);
        const std::string value = "value " + std::to_string(calls_);
        const auto put = Put(client, "acme", name, value);
        if (put) {
          values_[name] = value;
        }
        return OutcomeOf(put);
      }
    }
    return {};
  }

  void CompareStates() {
    std::map<std::int64_t, std::string> found;
    for (const KekSummary& kek : Must(ListKeks(clients_[0]))) {
      found[kek.id.value] = ToText(kek.state);
    }
    std::map<std::int64_t, std::string> expected = model_.states;
    std::erase_if(expected, [](const auto& kek) { return kek.second == "destroyed"; });
    RC_ASSERT(found == expected);
  }

  void ReadAll(Client& client) {
    for (const auto& [name, value] : values_) {
      const Result<std::string> got = Get(client, "acme", name);
      if (model_.Active() == 0) {
        RC_ASSERT(OutcomeOf(got) == "refused_by_state");
      } else {
        RC_ASSERT(OutcomeOf(got) == "done");
        RC_ASSERT(*got == value);
      }
    }
  }

  TestStore store_;
  std::array<Client, 2> clients_;
  ModelOfStates model_;
  std::map<std::string, std::string> values_;
  std::size_t calls_ = 0;
};

rc::Gen<Step> AnyStep() {
  return rc::gen::map(rc::gen::pair(rc::gen::inRange(0, 8), rc::gen::inRange(1, 9)),
                      [](const std::pair<int, int>& numbers) {
                        return Step{static_cast<Verb>(numbers.first), numbers.second};
                      });
}

TEST(KeyStatesModel, RandomSequencesGiveTheStatesOfTheModel) {
  rc::detail::TestParams params;
  params.seed = Random(7000).seed();
  params.maxSuccess = static_cast<int>(Scaled(TestsPostgres() ? kSequencesOnPostgres : kSequences));
  params.maxSize = kLongest;
  const auto property = [] {
    const auto steps = *rc::gen::container<std::vector<Step>>(AnyStep());
    Sequence sequence;
    for (const Step& step : steps) {
      sequence.Do(step);
    }
    sequence.End();
  };
  const rc::detail::TestResult result =
      rc::detail::checkTestable(property, rc::detail::TestMetadata(), params);
  std::ostringstream text;
  rc::detail::printResultMessage(result, text);
  EXPECT_TRUE(result.is<rc::detail::SuccessResult>()) << text.str();
}

}  // namespace
}  // namespace rowseal::testing
