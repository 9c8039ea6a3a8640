// A filesystem comes by way of the spare slot, and the power fails at every erase and every program
// of that: of staging, of the record, of the copy. Then the device boots, which may have a copy to
// end, and
//
//   - there is the old filesystem or the new one, byte for byte, never none;
//   - its floor is the one's or the other's, and the application's has not moved;
//   - it takes the update that was cut, once more, and no older one, and then an application.
//
// Each boot that follows a cut is itself cut at each of its operations.
#include <set>

#include "staged_files.h"

using namespace pretend;

namespace {

struct Counts {
  int cuts;
  int old;
  int ended;  // a copy was ended by the boot
  int done;   // it was done already
};
Counts counts;
std::set<Snapshot> seen;

void update(CutFlash* flash) {
  Session session(flash, Staging::Always);
  (void)(session.update(newFiles(), kFs) == Error::None);
}

// `once`: then nothing else is tried.
void boots(CutFlash* flash, bool once) {
  ++counts.cuts;
  flash->on();
  if (!seen.insert(flash->bytes).second) {
    return;  // "before" one operation is "after" the one before it
  }
  bool isNew = false;
  {
    Session session(flash, Staging::Always);
    CHECK(session.slot == 0 && session.runs() == image('A') && !session.trial.pending());
    CHECK_ERROR(session.begun, Error::None);
    CHECK_ERROR(session.resumed, Error::None);
    CHECK(session.floorNow() == kStart && session.trial.left() == Error::None);
    isNew = session.floor.record().filesystem.floor != kOldFloor;
    holds(session, isNew ? 'H' : 'G');
    ++(!isNew ? counts.old : flash->operations > 0 ? counts.ended : counts.done);
    if (once) {
      return;
    }
    CHECK_ERROR(session.update(oldFiles(), kFs), Error::OlderThanFloor);
    CHECK_ERROR(session.update(newFiles(), kFs), isNew ? Error::OlderThanFloor : Error::None);
  }
  Session again(flash);
  holds(again, 'H');
  CHECK_ERROR(again.update(containerOf(kTokenB2, image('B'))), Error::None);
  Session next(flash);
  CHECK(next.slot == 1 && next.runs() == image('B') && next.trial.pending());
  holds(next, 'H');
}

}  // namespace

int main() {
  CutFlash flash(kSmall.size());
  const Snapshot before = withOldFiles();
  flash.bytes = before;
  update(&flash);
  const int operations = flash.operations;
  for (int at = 0; at < operations; ++at) {
    for (Torn torn : kEveryTorn) {
      flash.bytes = before;
      flash.on();
      flash.cut(at, torn);
      update(&flash);
      CHECK(flash.isOff());
      const Snapshot left = flash.bytes;
      boots(&flash, false);
      // And again, while it boots.
      for (int again = 0;; ++again) {
        flash.bytes = left;
        flash.on();
        flash.cut(again, torn);
        { const Session session(&flash, Staging::Always); }
        if (!flash.isOff()) {
          break;
        }
        boots(&flash, true);
      }
    }
  }
  CHECK(counts.old > 0 && counts.ended > 0 && counts.done > 0);
  printf(
      "%5d power cuts: a staged update of the filesystem (%d operations) and the boot after it; "
      "left were the old one %d, the new one %d times, %d of them by a copy at the start\n",
      counts.cuts, operations, counts.old, counts.ended + counts.done, counts.ended);
  return secureota_test::report();
}
