// What a device remembers about its images: the floor below which it accepts no token, and the
// image that was activated but has not confirmed itself.
//
// The floor is the genTime of the last CONFIRMED image. It never falls, and it rises only in
// confirm(): an image that was written but never worked leaves no trace in it.
#pragma once

#include "bytes.h"
#include "error.h"
#include "verifier.h"

namespace secureota {

// One image as the device knows it.
struct ImageIdentity {
  uint8_t digest[kSha256Size];
  uint32_t size;  // bytes; 0: there is no such image
  Time genTime;   // of the token that brought it
};

// The record that outlives restarts.
struct UpdateRecord {
  Time floor;               // kNoTime: none
  ImageIdentity confirmed;  // the last image that confirmed itself; size 0: none came by update
  ImageIdentity pending;    // activated, not confirmed yet; size 0: none

  UpdateRecord();
};

// Bytes of an encoded record. Layout, all numbers big-endian:
//     "SOTA" | version 1 (1) | floor (8) | confirmed, pending: digest (32) size (4) genTime (8) |
//     the first four bytes of the SHA-256 of all that
const size_t kRecordSize = 4 + 1 + 8 + 2 * (kSha256Size + 4 + 8) + 4;

SECUREOTA_NODISCARD Error encodeRecord(const UpdateRecord& record, uint8_t out[kRecordSize]);

// False for anything that encodeRecord did not write: torn, of another version, not there.
bool decodeRecord(Bytes bytes, UpdateRecord* out);

// Non-volatile memory for one record; a port implements it.
class RecordStore {
 public:
  // Reads at most `capacity` bytes and returns how many there were: 0 if nothing was ever saved.
  virtual size_t load(uint8_t* out, size_t capacity) = 0;

  // Replaces the record so that a power cut leaves the old one or the new one. FlashWriteFailed.
  SECUREOTA_NODISCARD virtual Error save(Bytes record) = 0;

 protected:
  ~RecordStore() {}
};

class Floor {
 public:
  Floor() : store_(nullptr) {}

  // Loads the record. Where there is no floor yet, it starts at `buildTime`, the time at which the
  // running image was built (kNoTime if that is unknown), and that is saved. FlashWriteFailed if
  // it can't be; the floor holds all the same until the next restart.
  SECUREOTA_NODISCARD Error begin(RecordStore* store, Time buildTime);

  const UpdateRecord& record() const { return record_; }

  // Is a token of this genTime, for an image other than the running one, new enough? It must be
  // strictly newer than the floor.
  bool admits(Time genTime) const { return record_.floor == kNoTime || genTime > record_.floor; }

  // Remembers an image that is about to be activated.
  SECUREOTA_NODISCARD Error expect(const ImageIdentity& image);

  // The running image says that it works. Raises the floor if it is the one that was expected;
  // does nothing otherwise.
  SECUREOTA_NODISCARD Error confirm(const uint8_t runningDigest[kSha256Size]);

 private:
  SECUREOTA_NODISCARD Error save(const UpdateRecord& record);

  RecordStore* store_;
  UpdateRecord record_;
};

}  // namespace secureota
