// The power fails at every erase and every program of everything that a device writes: before it,
// in the middle of it, after it. Then the device boots, with the real boot stage, and
//
//   - runs the old image or the new one, byte for byte, never neither;
//   - its floor has not fallen, and has not risen unless an image was being confirmed;
//   - and it takes the next good update.
//
// Each boot that follows a cut is itself cut at each of its operations.
#include <set>

#include "flash_device.h"

using namespace pretend;

namespace {

typedef void (*Step)(CutFlash* flash);

Snapshot after(const Snapshot& before, Step step) {
  CutFlash flash(before.size());
  flash.bytes = before;
  step(&flash);
  return flash.bytes;
}

void start(CutFlash* flash) {
  Session session(flash);
}
void updateToB(CutFlash* flash) {
  Session session(flash);
  (void)(session.update(containerOf(kTokenB2, image('B'))) == Error::None);
}
void updateToA(CutFlash* flash) {
  Session session(flash);
  (void)(session.update(containerOf(kTokenA3, image('A'))) == Error::None);
}
// The whole image is there, and it is not the one that was signed: it is given up at the end.
void failingUpdate(CutFlash* flash) {
  Session session(flash);
  (void)(session.update(containerOf(kTokenB2, image('C'))) == Error::None);
}
void confirm(CutFlash* flash) {
  Session session(flash);
  (void)(session.trial.confirm() == Error::None);
}
void reject(CutFlash* flash) {
  Session session(flash);
  (void)(session.trial.reject() == Error::None);
}
// Without the restart in between: the new image has not run yet and is replaced.
void updateTwice(CutFlash* flash) {
  Session session(flash);
  (void)(session.update(containerOf(kTokenB2, image('B'))) == Error::None);
  (void)(session.update(containerOf(kTokenB4, image('B'))) == Error::None);
}

struct Scenario {
  const char* name;
  Snapshot before;
  Step step;
  bool confirms;
};

int cuts = 0;

Time floorIn(const Snapshot& snapshot) {
  CutFlash flash(snapshot.size());
  flash.bytes = snapshot;
  Record store(&flash);
  uint8_t bytes[secureota::kRecordSize];
  secureota::UpdateRecord record;
  const size_t size = store.load(bytes, sizeof bytes);
  return secureota::decodeRecord(Bytes(bytes, size), &record) ? record.application.floor : kStart;
}

// The image that does not run, with a token that is newer than everything.
Buffer otherThan(const Buffer& running) {
  return running == image('A') ? containerOf(kTokenB6, image('B'))
                               : containerOf(kTokenA5, image('A'));
}

// One more update succeeds, is confirmed, and raises the floor.
void takesTheNextUpdate(CutFlash* flash) {
  {
    Session now(flash);
    CHECK_ERROR(now.begun, Error::None);
    if (now.trial.pending()) {
      CHECK_ERROR(now.update(otherThan(now.runs())), Error::NotConfirmedYet);
      CHECK_ERROR(now.trial.confirm(), Error::None);
    }
  }
  Session before(flash);
  const bool runsA = before.runs() == image('A');
  const Time its = kStart + (runsA ? 6 : 5) * kHour;
  CHECK_ERROR(before.update(otherThan(before.runs())), Error::None);
  Session next(flash);
  CHECK(next.slot == 1 - before.slot && next.runs() == image(runsA ? 'B' : 'A'));
  CHECK(next.floorNow() == before.floorNow());
  CHECK_ERROR(next.trial.confirm(), Error::None);
  CHECK(next.floorNow() == its);
  Session stays(flash);
  CHECK(stays.slot == next.slot && stays.floorNow() == its);
}

void boots(CutFlash* flash, const Scenario& scenario, Time floorBefore, Time floorAfter,
           std::set<Snapshot>* seen) {
  flash->on();
  const Snapshot cut = flash->bytes;
  if (!seen->insert(cut).second) {
    return;  // "before" one operation is "after" the one before it
  }
  {
    Session session(flash);
    CHECK(session.slot >= 0);
    CHECK(session.runs() == image('A') || session.runs() == image('B'));
    CHECK_ERROR(session.begun, Error::None);
    const Time floor = session.floorNow();
    CHECK(floor >= floorBefore);
    CHECK(scenario.confirms ? floor <= floorAfter : floor == floorBefore);
    if (scenario.confirms && session.runs() == image('B') && !session.trial.pending()) {
      CHECK(floor == floorAfter);
    }
    if (floor > floorBefore) {  // then the image that has earned it is the one that stays
      uint8_t running[secureota::kSha256Size];
      CHECK_ERROR(
          secureota::digest(secureota::DigestAlgorithm::Sha256, bytesOf(session.runs()), running),
          Error::None);
      const secureota::ImageIdentity& its = session.floor.record().application.confirmed;
      CHECK(!session.trial.pending() && memcmp(running, its.digest, sizeof running) == 0);
    }
  }
  flash->bytes = cut;
  flash->on();
  takesTheNextUpdate(flash);
}

void cutEverywhere(const Scenario& scenario) {
  const int before = cuts;
  std::set<Snapshot> seen;
  CutFlash flash(scenario.before.size());
  flash.bytes = scenario.before;
  flash.on();
  scenario.step(&flash);
  const int operations = flash.operations;
  CHECK(operations > 0);
  const Time floorBefore = floorIn(scenario.before);
  const Time floorAfter = floorIn(flash.bytes);
  for (int at = 0; at < operations; ++at) {
    for (Torn torn : pretend::kEveryTorn) {
      flash.bytes = scenario.before;
      flash.on();
      flash.cut(at, torn);
      scenario.step(&flash);
      CHECK(flash.isOff());
      ++cuts;
      const Snapshot left = flash.bytes;
      boots(&flash, scenario, floorBefore, floorAfter, &seen);
      // And again, while it boots.
      for (int again = 0;; ++again) {
        flash.bytes = left;
        flash.on();
        flash.cut(again, torn);
        start(&flash);
        if (!flash.isOff()) {
          break;
        }
        ++cuts;
        boots(&flash, scenario, floorBefore, floorAfter, &seen);
      }
    }
  }
  printf("%5d power cuts: %s (%d operations)\n", cuts - before, scenario.name, operations);
}

}  // namespace

int main() {
  const Snapshot flashed = fresh();
  const Snapshot started = after(flashed, start);
  const Snapshot updated = after(started, updateToB);
  const Snapshot onTrial = after(updated, start);
  const Snapshot confirmed = after(updated, confirm);
  const Snapshot wentBack = after(onTrial, start);
  const Scenario kScenarios[] = {
      {"the first start, which seeds the floor", flashed, start, false},
      {"an update", started, updateToB, false},
      {"an update that fails at its end", started, failingUpdate, false},
      {"two updates without a restart", started, updateTwice, false},
      {"an image's first start", updated, start, false},
      {"a start and a confirmation", updated, confirm, true},
      {"a start and a rejection", updated, reject, false},
      {"going back", onTrial, start, false},
      {"an update in the place of one that was left", wentBack, updateToB, false},
      {"the next update", confirmed, updateToA, false},
  };
  for (const Scenario& each : kScenarios) {
    cutEverywhere(each);
  }
  printf("%5d power cuts in all\n", cuts);
  return secureota_test::report();
}
