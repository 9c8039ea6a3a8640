// The record and the floor: what survives, what seeds it, and that it never falls.
#include "pretend.h"
#include "secureota/policies.h"
#include "secureota/time_text.h"

using pretend::Buffer;
using secureota::Bytes;
using secureota::Error;
using secureota::Floor;
using secureota::ImageIdentity;
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

void recordComesBackAsItWas() {
  UpdateRecord record;
  record.floor = 123456789;
  record.confirmed = identity(1, -5);
  record.pending = identity(2, INT64_MAX);
  uint8_t bytes[kRecordSize];
  CHECK_ERROR(secureota::encodeRecord(record, bytes), Error::None);
  UpdateRecord back;
  CHECK(secureota::decodeRecord(Bytes(bytes, sizeof bytes), &back));
  CHECK(back.floor == 123456789);
  CHECK(back.confirmed.size == 1001 && back.confirmed.genTime == -5);
  CHECK(back.pending.size == 1002 && back.pending.genTime == INT64_MAX);
  CHECK(memcmp(back.pending.digest, record.pending.digest, sizeof back.pending.digest) == 0);
}

void tornOrTurnedRecordIsNone() {
  UpdateRecord record;
  record.floor = 77;
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
  CHECK(back.floor == kNoTime);  // untouched
  CHECK(secureota::decodeRecord(Bytes(bytes, kRecordSize), &back));
}

void buildTimeSeedsAnEmptyStoreOnly() {
  pretend::Journal journal;
  pretend::Store store(&journal);
  Floor floor;
  CHECK_ERROR(floor.begin(&store, kNoTime), Error::None);
  CHECK(floor.record().floor == kNoTime && floor.admits(INT64_MIN + 1));
  CHECK(store.record.empty());

  CHECK_ERROR(floor.begin(&store, 1000), Error::None);
  CHECK(floor.record().floor == 1000);
  CHECK(!floor.admits(999) && !floor.admits(1000) && floor.admits(1001));

  Floor newerBuild;
  CHECK_ERROR(newerBuild.begin(&store, 5000), Error::None);
  CHECK(newerBuild.record().floor == 1000);
}

void confirmRaisesAndNeverLowers() {
  pretend::Journal journal;
  pretend::Store store(&journal);
  Floor floor;
  CHECK_ERROR(floor.begin(&store, 1000), Error::None);
  const ImageIdentity newer = identity(7, 2000);
  CHECK_ERROR(floor.expect(newer), Error::None);
  CHECK(floor.record().floor == 1000);

  CHECK_ERROR(floor.confirm(identity(8, 0).digest), Error::None);  // another image runs
  CHECK(floor.record().floor == 1000 && floor.record().pending.size != 0);

  store.fails = true;
  CHECK_ERROR(floor.confirm(newer.digest), Error::FlashWriteFailed);
  CHECK(floor.record().floor == 1000);
  store.fails = false;
  CHECK_ERROR(floor.confirm(newer.digest), Error::None);
  CHECK(floor.record().floor == 2000 && floor.record().pending.size == 0);

  CHECK_ERROR(floor.expect(identity(9, 1500)), Error::None);
  CHECK_ERROR(floor.confirm(identity(9, 0).digest), Error::None);
  CHECK(floor.record().floor == 2000);

  journal.lines.clear();
  CHECK_ERROR(floor.confirm(identity(9, 0).digest), Error::None);  // once is enough
  CHECK(journal.lines.empty());
}

void storeThatFailsDoesNotOpenTheDoor() {
  pretend::Journal journal;
  pretend::Store store(&journal);
  store.fails = true;
  Floor floor;
  CHECK_ERROR(floor.begin(&store, 1000), Error::FlashWriteFailed);
  CHECK(floor.record().floor == 1000 && !floor.admits(1000));
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
  buildTimeSeedsAnEmptyStoreOnly();
  confirmRaisesAndNeverLowers();
  storeThatFailsDoesNotOpenTheDoor();
  policies();
  times();
  return secureota_test::report();
}
