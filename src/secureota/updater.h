// Takes a container in pieces of any size, verifies its token, writes its image into the spare slot
// and makes it bootable: the invariants of SECURITY.md live here.
//
//   1. The sink is opened (flash erased) only after the token was accepted.
//   2. The slot is activated only after the digest of the bytes taken AND the digest of what then
//      lies in flash equal the token's imprint.
//   3. Memory taken before that is the buffer that the port lends; nothing is allocated.
//   4. The container's header decides nothing but sizes; its hints can only refuse.
//   5. A filesystem counts as none from before it is erased until the second comparison of 2 is
//      done: in place from the first byte on, staged (staged_filesystem.h) only for the time of the
//      copy that follows that comparison.
//   6. What the image says about itself, under the signature, fits this device (image_judge.h).
#pragma once

#include "bytes.h"
#include "container.h"
#include "crypto.h"
#include "error.h"
#include "floor.h"
#include "image_judge.h"
#include "image_sink.h"
#include "refusal.h"
#include "staged_filesystem.h"
#include "trial.h"
#include "update_listener.h"
#include "verifier.h"

namespace secureota {

// What an Updater works with. Everything belongs to the caller and must outlive it.
struct UpdaterParts {
  ImageSink* sink;
  Floor* floor;
  const TrustStore* anchors;
  const Rules* rules;  // notBefore stays kNoTime: the floor is asked instead
  UpdateListener* listener;

  // Holds the token until it is verified, then the front of the image until that is judged, and
  // later what is read back. A longer token is refused with TokenTooLarge; more than kMaxTokenSize
  // is never used.
  uint8_t* buffer;
  size_t bufferSize;  // bytes, at least kFrontSize

  // SHA-256 of the image that runs now; null if the port can't tell.
  const uint8_t* runningDigest;

  // The device's own manifest; null: it says nothing about itself.
  const Manifest* own;

  // While it is pending, no other image is taken; null: what runs is on no trial.
  const Trial* trial;

  // What `sink` writes filesystems with, if it can do so by way of the spare slot; null: it can't.
  StagedFilesystem* filesystem;

  // Nobody watches: an image that this device has left again is not taken once more, because it
  // would be over and over. ImageNotConfirmed, ImageRejected. Nor is a filesystem that is there.
  bool unattended;

  UpdaterParts();
};

class Updater {
 public:
  Updater();

  // Starts anew with a container of `totalSize` bytes in all. NoTrustAnchor, WrongImageKind.
  SECUREOTA_NODISCARD Error begin(const UpdaterParts& parts, ImageKind kind, uint32_t totalSize);

  // Takes the next bytes. Any error ends the update: the sink is aborted, and further calls answer
  // the same error. TrailingData for bytes beyond `totalSize`.
  SECUREOTA_NODISCARD Error write(Bytes bytes);

  // Decides, after the last byte: compares digests, reads back, remembers the image as pending and
  // activates (or, a staged filesystem, copies, which takes seconds). Truncated if bytes are
  // missing. Ends the update, as write does, on any error.
  SECUREOTA_NODISCARD Error finish();

  // Breaks off. Nothing stays bootable that was not before; the running image is never touched.
  void abort();

  // What is to be said of an error that a call has returned.
  Refusal explain(Error why) const;

  // Between begin and the end of the update, whatever that was.
  bool active() const;

  // The token was accepted, and `token` may be asked.
  bool accepted() const {
    return state_ == State::Front || state_ == State::Image || state_ == State::Done;
  }
  const VerifiedToken& token() const { return token_; }

  // The token is for the image that runs (or, unattended, for the filesystem that lies there):
  // nothing is opened, written or activated; the bytes are read to their end and thrown away.
  bool alreadyRunning() const { return alreadyRunning_; }

  uint32_t taken() const { return taken_; }
  uint32_t totalSize() const { return totalSize_; }

 private:
  enum class State : uint8_t { Idle, Header, Token, Front, Image, Done, Failed };

  Error fail(Error why);
  Error step(Bytes* rest);
  Error takeHeader(Bytes* rest);
  Error takeToken(Bytes* rest);
  Error takeFront(Bytes* rest);
  Error takeImage(Bytes* rest);
  Error judgeToken();
  bool isThereAlready() const;
  Error openSlot();
  Error checkImage();
  Error readBackAndCompare();
  uint32_t writtenSize() const;
  ReadingDesk desk() const;
  Error activate();
  ImageIdentity identity() const;

  UpdaterParts parts_;
  State state_;
  Error why_;  // state Failed
  ImageKind kind_;
  uint32_t totalSize_;
  uint32_t taken_;
  HeaderReader header_;
  uint32_t tokenTaken_;
  bool alreadyRunning_;
  bool staged_;  // a filesystem, on its way into the spare slot
  VerifiedToken token_;
  ImageJudge judge_;
  Digest digest_;
};

}  // namespace secureota
