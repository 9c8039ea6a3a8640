// The record and the floor: what survives, what seeds it, and that it never falls.
#include "pretend.h"
#include "secureota/policies.h"
#include "secureota/time_text.h"

using pretend::Buffer;
using secureota::Bytes;
using secureota::Error;
using secureota::Floor;
using secureota::ImageIdentity;
using secureota::ImageKind;
using secureota::kNoTime;
using secureota::kRecordSize;
using secureota::UpdateRecord;

namespace {

ImageIdentity identity(uint8_t seed, secureota::Time genTime) {
  ImageIdentity image;
  memset(image.digest, seed, sizeof image.digest);
  image.size = 1000U + seed;
  image.genTime = genTime;
  return image;
}

const secureota::Time kDay = 24 * 60 * 60 * secureota::kSecond;

void recordComesBackAsItWas() {
  UpdateRecord record;
  record.application.floor = 123456789;
  record.application.confirmed = identity(1, -5);
  record.application.pending = identity(2, INT64_MAX);
  record.filesystem.floor = -7;
  record.filesystem.pending = identity(3, 8);
  record.left = Error::ImageRejected;
  memset(record.stepped, 9, sizeof record.stepped);
  uint8_t bytes[kRecordSize];
  CHECK_ERROR(secureota::encodeRecord(record, bytes), Error::None);
  UpdateRecord back;
  CHECK(secureota::decodeRecord(Bytes(bytes, sizeof bytes), &back));
  const secureota::KindRecord& application = back.of(ImageKind::Application);
  CHECK(application.floor == 123456789);
  CHECK(application.confirmed.size == 1001 && application.confirmed.genTime == -5);
  CHECK(application.pending.size == 1002 && application.pending.genTime == INT64_MAX);
  CHECK(memcmp(application.pending.digest, record.application.pending.digest, 32) == 0);
  const secureota::KindRecord& filesystem = back.of(ImageKind::Filesystem);
  CHECK(filesystem.floor == -7 && filesystem.confirmed.size == 0);
  CHECK(filesystem.pending.size == 1003);
  CHECK(back.left == Error::ImageRejected && !back.staged);
  CHECK(memcmp(back.stepped, record.stepped, sizeof back.stepped) == 0);
  for (const Error left : {Error::None, Error::ImageRejected}) {
    record.left = left;
    record.staged = true;
    CHECK_ERROR(secureota::encodeRecord(record, bytes), Error::None);
    CHECK(secureota::decodeRecord(Bytes(bytes, sizeof bytes), &back));
    CHECK(back.left == left && back.staged);
  }
}

void tornOrTurnedRecordIsNone() {
  UpdateRecord record;
  record.application.floor = 77;
  uint8_t bytes[kRecordSize + 1];
  CHECK_ERROR(secureota::encodeRecord(record, bytes), Error::None);
  UpdateRecord back;
  for (size_t size = 0; size < kRecordSize; ++size) {
    CHECK(!secureota::decodeRecord(Bytes(bytes, size), &back));
  }
  CHECK(!secureota::decodeRecord(Bytes(bytes, kRecordSize + 1), &back));
  for (size_t bit = 0; bit < kRecordSize * 8; ++bit) {
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
    CHECK(!secureota::decodeRecord(Bytes(bytes, kRecordSize), &back));
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << (bit % 8));
  }
  CHECK(back.application.floor == kNoTime);  // untouched
  CHECK(secureota::decodeRecord(Bytes(bytes, kRecordSize), &back));
}

// As the firmware before this one has written it: the floor must not fall by an update.
void firstVersionIsRead() {
  Buffer bytes = {'S', 'O', 'T', 'A', 1, 0, 0, 0, 0, 0, 0, 0x30, 0x39};
  for (uint8_t seed = 1; seed <= 2; ++seed) {
    bytes.insert(bytes.end(), 32, seed);
    const uint8_t kSizeAndTime[] = {0, 0, 1, seed, 0, 0, 0, 0, 0, 0, 2, seed};
    bytes.insert(bytes.end(), kSizeAndTime, kSizeAndTime + sizeof kSizeAndTime);
  }
  uint8_t check[32];
  CHECK_ERROR(secureota::digest(secureota::DigestAlgorithm::Sha256, pretend::bytesOf(bytes), check),
              Error::None);
  bytes.insert(bytes.end(), check, check + 4);
  UpdateRecord record;
  CHECK(secureota::decodeRecord(pretend::bytesOf(bytes), &record));
  CHECK(record.application.floor == 12345 && record.filesystem.floor == kNoTime);
  CHECK(record.application.confirmed.size == 0x101 && record.application.confirmed.digest[31] == 1);
  CHECK(record.application.pending.size == 0x102 && record.application.pending.genTime == 0x202);
  bytes[4] = 2;
  CHECK(!secureota::decodeRecord(pretend::bytesOf(bytes), &record));
}

void buildTimeSeedsAnEmptyStoreOnly() {
  pretend::Journal journal;
  pretend::Store store(&journal);
  Floor floor;
  CHECK_ERROR(floor.begin(&store, kNoTime), Error::None);
  CHECK(floor.record().application.floor == kNoTime);
  CHECK(floor.admits(ImageKind::Application, INT64_MIN + 1));
  CHECK(store.record.empty());

  CHECK_ERROR(floor.begin(&store, 1000), Error::None);
  for (ImageKind kind : {ImageKind::Application, ImageKind::Filesystem}) {
    CHECK(floor.record().of(kind).floor == 1000);
    CHECK(!floor.admits(kind, 999) && !floor.admits(kind, 1000) && floor.admits(kind, 1001));
  }

  Floor newerBuild;
  CHECK_ERROR(newerBuild.begin(&store, 5000), Error::None);
  CHECK(newerBuild.record().application.floor == 1000);
  CHECK(newerBuild.record().filesystem.floor == 1000);
}

void confirmRaisesAndNeverLowers() {
  pretend::Journal journal;
  pretend::Store store(&journal);
  Floor floor;
  CHECK_ERROR(floor.begin(&store, 1000), Error::None);
  const ImageIdentity newer = identity(7, 2000);
  const secureota::KindRecord& its = floor.record().application;
  CHECK_ERROR(floor.expect(ImageKind::Application, newer), Error::None);
  CHECK(its.floor == 1000);

  CHECK_ERROR(floor.confirm(ImageKind::Application, identity(8, 0).digest), Error::None);
  CHECK(its.floor == 1000 && its.pending.size != 0);  // another image runs
  CHECK_ERROR(floor.confirm(ImageKind::Filesystem, newer.digest), Error::None);
  CHECK(its.floor == 1000 && its.pending.size != 0);

  store.fails = true;
  CHECK_ERROR(floor.confirm(ImageKind::Application, newer.digest), Error::FlashWriteFailed);
  CHECK(its.floor == 1000);
  store.fails = false;
  CHECK_ERROR(floor.confirm(ImageKind::Application, newer.digest), Error::None);
  CHECK(its.floor == 2000 && its.pending.size == 0);
  CHECK(floor.record().filesystem.floor == 1000);

  CHECK_ERROR(floor.expect(ImageKind::Application, identity(9, 1500)), Error::None);
  CHECK_ERROR(floor.confirm(ImageKind::Application, identity(9, 0).digest), Error::None);
  CHECK(its.floor == 2000);

  journal.lines.clear();  // once is enough
  CHECK_ERROR(floor.confirm(ImageKind::Application, identity(9, 0).digest), Error::None);
  CHECK(journal.lines.empty());
}

class Raised {
 public:
  Raised() : store_(&journal_) { CHECK_ERROR(floor.begin(&store_, 0), Error::None); }

  // The floor in days, after an image of that genTime was confirmed.
  int by(uint8_t seed, int days, ImageKind kind = ImageKind::Application) {
    const ImageIdentity image = identity(seed, days * kDay);
    CHECK_ERROR(floor.expect(kind, image), Error::None);
    CHECK_ERROR(floor.confirm(kind, image.digest), Error::None);
    return static_cast<int>(floor.record().of(kind).floor / kDay);
  }

  Floor floor;

 private:
  pretend::Journal journal_;
  pretend::Store store_;
};

void risesByALimitedStep() {
  Raised raised;
  CHECK(raised.by(1, 1096) == 1096);
  CHECK(raised.by(2, 1096 + 1097) == 1096 + 1096);  // from the year 2099, say
  CHECK(raised.by(3, 50000) == 3 * 1096);
  for (uint8_t again = 2; again <= 3; ++again) {  // their tokens are newer than the floor still
    CHECK(raised.by(3, 50000) == 3 * 1096);
    CHECK(raised.by(2, 60000) == 3 * 1096);
  }
  CHECK(raised.by(3, 3 * 1096 + 5) == 3 * 1096 + 5);       // signed anew, with a better clock
  CHECK(raised.by(3, 50000, ImageKind::Filesystem) == 0);  // each image once, whatever its kind
  CHECK(raised.by(4, 50000, ImageKind::Filesystem) == 1096);

  Raised narrow;
  narrow.floor.setMaxRise(10);
  CHECK(narrow.by(1, 11) == 10 && narrow.by(2, 20) == 20);
  narrow.floor.setMaxRise(0);
  CHECK(narrow.by(3, 30) == 21);
  narrow.floor.setMaxRise(UINT32_MAX);
  CHECK(narrow.by(4, 100000) == 21 + 36500);

  Raised first;  // without a build time there is nothing to count from
  pretend::Journal journal;
  pretend::Store store(&journal);
  CHECK_ERROR(first.floor.begin(&store, kNoTime), Error::None);
  CHECK(first.by(1, 70000) == 70000);
}

void storeThatFailsDoesNotOpenTheDoor() {
  pretend::Journal journal;
  pretend::Store store(&journal);
  store.fails = true;
  Floor floor;
  CHECK_ERROR(floor.begin(&store, 1000), Error::FlashWriteFailed);
  CHECK(floor.record().application.floor == 1000);
  CHECK(!floor.admits(ImageKind::Application, 1000));
}

void policies() {
  const struct {
    const char* dotted;
    Buffer contents;
  } kGood[] = {
      {"2.25.216733991165857232465645737497058247910",
       {0x69, 0x82, 0xc6, 0x8d, 0xb9, 0xb1, 0xed, 0x98, 0xa2, 0x98,
        0xeb, 0x9d, 0xd5, 0xc1, 0x85, 0xb2, 0x87, 0xca, 0x89, 0x66}},
      {"2.4294967295.1", {0x90, 0x80, 0x80, 0x80, 0x4f, 0x01}},
      {"0.0", {0}},
      {"1.2.840", {0x2a, 0x86, 0x48}},
      {"1.39.128", {0x4f, 0x81, 0x00}},
      {"2.999", {0x88, 0x37}},
      {"1.3.4294967295", {0x2b, 0x8f, 0xff, 0xff, 0xff, 0x7f}},
  };
  for (const auto& each : kGood) {
    uint8_t out[secureota::PolicySet::kMaxEncoded];
    size_t size = 0;
    CHECK_ERROR(secureota::encodeObjectIdentifier(each.dotted, out, sizeof out, &size),
                Error::None);
    CHECK(Bytes(out, size) == pretend::bytesOf(each.contents));
  }
  for (const char* bad :
       {"", "1", "1.", ".1", "3.1", "1.40", "1.2.", "1..2", "1.02", "1.2.x", "1.2.+3"}) {
    secureota::PolicySet set;
    CHECK_ERROR(set.add(bad), Error::Malformed);
    CHECK(set.count() == 1 && set.policies()[0].empty());  // nothing satisfies it
  }
  secureota::PolicySet set;
  CHECK_ERROR(set.add("1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21.22.23.24.25.26.27.28"
                      ".29.30.31.32.33.34"),
              Error::OutOfMemory);
  const uint8_t kTwo[] = {0x06, 0x02, 0x2a, 0x03, 0x06, 0x01, 0x2b};
  secureota::PolicySet compiled;
  CHECK_ERROR(compiled.addAll(Bytes(kTwo, sizeof kTwo)), Error::None);
  CHECK(compiled.count() == 2 && compiled.policies()[1] == Bytes(kTwo + 6, 1));
  CHECK_ERROR(compiled.addAll(Bytes(kTwo, 5)), Error::NotDer);
  CHECK(compiled.count() == 1 && compiled.policies()[0].empty());
}

void times() {
  const struct {
    secureota::Time time;
    const char* text;
  } kTimes[] = {
      {0, "1970-01-01T00:00:00Z"},
      {-1, "1969-12-31T23:59:59Z"},
      {951782400000000LL, "2000-02-29T00:00:00Z"},
      {951868799999999LL, "2000-02-29T23:59:59Z"},
      {4107542400000000LL, "2100-03-01T00:00:00Z"},
      {-62167219200000000LL, "0000-01-01T00:00:00Z"},
      {253402300799000000LL, "9999-12-31T23:59:59Z"},
  };
  for (const auto& each : kTimes) {
    char text[secureota::kTimeTextSize];
    secureota::formatTime(each.time, text);
    if (!CHECK(strcmp(text, each.text) == 0)) {
      printf("    %s, not %s\n", text, each.text);
    }
  }
}

}  // namespace

int main() {
  recordComesBackAsItWas();
  tornOrTurnedRecordIsNone();
  firstVersionIsRead();
  buildTimeSeedsAnEmptyStoreOnly();
  confirmRaisesAndNeverLowers();
  risesByALimitedStep();
  storeThatFailsDoesNotOpenTheDoor();
  policies();
  times();
  return secureota_test::report();
}
