// What a device remembers about its images: for each kind the floor below which it accepts no
// token, and the image that was written but has not confirmed itself.
//
// A floor is the genTime of the last CONFIRMED image. It never falls, and it rises only in
// confirm(): an image that was written but never worked leaves no trace in it.
//
// It rises by a limited step at once (three years by default), so that one token from a wrong clock
// can't lock the owner out for ever; and by that step once for each image, so that the same token
// can't do it again.
#pragma once

#include "bytes.h"
#include "error.h"
#include "image_sink.h"
#include "verifier.h"

namespace secureota {

// One image as the device knows it.
struct ImageIdentity {
  uint8_t digest[kSha256Size];
  uint32_t size;  // bytes; 0: there is no such image
  Time genTime;   // of the token that brought it
};

// What there is of each kind.
struct KindRecord {
  Time floor;               // kNoTime: none
  ImageIdentity confirmed;  // the last image that was confirmed; size 0: none came by update
  ImageIdentity pending;    // written or being written, not confirmed yet; size 0: none

  KindRecord();
};

// The record that outlives restarts.
struct UpdateRecord {
  KindRecord application;
  KindRecord filesystem;

  // Why the pending application was left again, if it said so itself: None or ImageRejected.
  Error left;

  // The pending filesystem lies in the spare slot, whole and with its manifest, and is to be copied
  // from there (staged_filesystem.h).
  bool staged;

  // The first bytes of the digests of images for which a floor has taken its step, oldest first.
  static const size_t kStepped = 4;
  static const size_t kSteppedSize = 8;
  uint8_t stepped[kStepped][kSteppedSize];

  UpdateRecord();
  KindRecord& of(ImageKind kind) {
    return kind == ImageKind::Application ? application : filesystem;
  }
  const KindRecord& of(ImageKind kind) const {
    return kind == ImageKind::Application ? application : filesystem;
  }
};

// Bytes of an encoded record. Layout, all numbers big-endian:
//     "SOTA" | version 2 (1) |
//     application, filesystem: floor (8), confirmed and pending: digest (32) size (4) genTime (8) |
//     left (1): 1 for ImageRejected, plus 2 for staged | stepped (4 times 8) | the first four bytes
//     of the SHA-256 of all that
const size_t kRecordSize = 4 + 1 + 2 * (8 + 2 * (kSha256Size + 4 + 8)) + 1 +
                           UpdateRecord::kStepped * UpdateRecord::kSteppedSize + 4;

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
  // Three years.
  static const uint32_t kDefaultMaxRise = 1096;  // days

  Floor() : store_(nullptr), maxRise_(0) { setMaxRise(kDefaultMaxRise); }

  // How far a floor rises at once: 1 to 36,500 days. More or less counts as the nearest of these.
  void setMaxRise(uint32_t days);

  // Loads the record. Floors that are not there yet start at `buildTime`, the time at which the
  // running image was built (kNoTime if that is unknown), and that is saved. FlashWriteFailed if
  // it can't be; the floors hold all the same until the next restart.
  SECUREOTA_NODISCARD Error begin(RecordStore* store, Time buildTime);

  const UpdateRecord& record() const { return record_; }

  // Is a token of this genTime, for an image other than the running one, new enough? It must be
  // strictly newer than the floor.
  bool admits(ImageKind kind, Time genTime) const {
    const Time floor = record_.of(kind).floor;
    return floor == kNoTime || genTime > floor;
  }

  // Remembers an image that is about to be activated or, in place, written. Nothing is staged then.
  SECUREOTA_NODISCARD Error expect(ImageKind kind, const ImageIdentity& image);

  // Remembers a filesystem that lies in the spare slot, and is about to be copied from there.
  SECUREOTA_NODISCARD Error stage(const ImageIdentity& image);

  // What lay there is damaged.
  SECUREOTA_NODISCARD Error dropStaged();

  // The image with this digest works. Raises the floor if it is the one that was expected; does
  // nothing otherwise.
  SECUREOTA_NODISCARD Error confirm(ImageKind kind, const uint8_t digest[kSha256Size]);

  // Is there a filesystem? False from the moment an update is about to erase it until what was
  // written has proved to be what was signed. A staged one erases it only when it is copied.
  bool filesystemIsWhole() const { return record_.filesystem.pending.size == 0; }

  // Is it whole, and the last thing that was written into it the image with this digest?
  bool filesystemIs(const uint8_t digest[kSha256Size]) const {
    const ImageIdentity& last = record_.filesystem.confirmed;
    return filesystemIsWhole() && last.size != 0 && memcmp(last.digest, digest, kSha256Size) == 0;
  }

  // There is one again that came by no update.
  SECUREOTA_NODISCARD Error forgetFilesystem();

  // The pending application says that it does not work.
  SECUREOTA_NODISCARD Error reject();

 private:
  Time raised(Time floor, const ImageIdentity& image, UpdateRecord* record) const;
  SECUREOTA_NODISCARD Error save(const UpdateRecord& record);

  RecordStore* store_;
  Time maxRise_;
  UpdateRecord record_;
};

}  // namespace secureota
