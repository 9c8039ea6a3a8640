// A device over flash in memory, with the real boot stage, slots, record, floor and updater: what
// it does from a boot to the next one is a Session.
#pragma once

#include "cut_flash.h"
#include "manifest_tokens.h"
#include "pretend.h"
#include "secureota/port/posix/boot_stage.h"
#include "secureota/port/posix/filesystem_sink.h"
#include "secureota/port/posix/slot_control.h"
#include "secureota/port/posix/slot_sink.h"
#include "secureota/port/posix/two_copies.h"
#include "secureota/sink_by_kind.h"
#include "secureota/staged_filesystem.h"

namespace pretend {

using namespace secureota::posix;
using secureota::Time;

// As small as it can be: two sectors for an image of 5,000 bytes.
const uint32_t kSmallSlot = 2 * kSectorSize;
const FlashLayout kSmall = {
    {0, 2 * kSectorSize},
    {2 * kSectorSize, 2 * kSectorSize},
    {{4 * kSectorSize, kSmallSlot}, {4 * kSectorSize + kSmallSlot, kSmallSlot}},
    {4 * kSectorSize + 2 * kSmallSlot, 2 * kSectorSize}};

class Record final : public secureota::RecordStore {
 public:
  explicit Record(CutFlash* flash) : copies_(flash, kSmall.record) {}
  size_t load(uint8_t* out, size_t capacity) override { return copies_.load(out, capacity); }
  Error save(Bytes record) override { return copies_.save(record); }

 private:
  TwoCopies copies_;
};

// From a boot until the power fails, or the device restarts.
class Session {
 public:
  explicit Session(CutFlash* flash, secureota::Staging staging = secureota::Staging::Never)
      : slot(chooseSlot(flash, kSmall)),
        resumed(Error::None),
        flash_(flash),
        store_(flash),
        slots_(flash, kSmall),
        spare_(flash, Partition{0, 0}),
        inPlace_(flash, kSmall.filesystem),
        filesystem_(&spare_, &inPlace_),
        sink_(&slots_, &filesystem_),
        control_(flash, kSmall),
        listener_(&journal_),
        buffer_(4096) {
    CHECK_ERROR(anchors_.add(Bytes(kAnchor, sizeof kAnchor)), Error::None);
    CHECK_ERROR(anchors_.add(Bytes(kManifestAnchor, sizeof kManifestAnchor)), Error::None);
    if (slot < 0 || flash->isOff()) {
      return;
    }
    slots_.setRunning(slot);
    spare_.use(kSmall.slots[1 - slot]);
    filesystem_.setStaging(staging);
    control_.setRunning(slot);
    BootData data;
    CHECK(BootStore(flash, kSmall.bootData).load(&data));
    memcpy(running_, data.slots[slot].digest, sizeof running_);
    begun = floor.begin(&store_, kStart);
    begun = begun == Error::None ? trial.begin(&control_, &floor, running_) : begun;
    if (floor.record().staged) {
      resumed = filesystem_.resume(
          &floor, secureota::ReadingDesk{buffer_.data(), buffer_.size(), &listener_});
    }
  }

  Buffer runs() const {
    const uint8_t* const at = flash_->bytes.data() + kSmall.slots[slot].offset;
    return Buffer(at, at + kImageSize);
  }
  Buffer files() const {
    const uint8_t* const at = flash_->bytes.data() + kSmall.filesystem.offset;
    return Buffer(at, at + kImageSize);
  }
  FilesystemSink& inPlace() { return inPlace_; }
  Time floorNow() const { return floor.record().application.floor; }

  Error update(const Buffer& container, ImageKind kind = ImageKind::Application) {
    secureota::Updater updater;
    SECUREOTA_TRY(send(container, &updater, kind));
    return updater.finish();
  }

  // All of it but the last word.
  Error send(const Buffer& container, secureota::Updater* updater,
             ImageKind kind = ImageKind::Application) {
    secureota::UpdaterParts parts = secureota::UpdaterParts();
    parts.sink = &sink_;
    parts.floor = &floor;
    parts.anchors = &anchors_;
    parts.rules = &rules_;
    parts.listener = &listener_;
    parts.buffer = buffer_.data();
    parts.bufferSize = buffer_.size();
    parts.runningDigest = running_;
    parts.trial = &trial;
    parts.filesystem = &filesystem_;
    const uint32_t size = static_cast<uint32_t>(container.size());
    SECUREOTA_TRY(updater->begin(parts, kind, size));
    for (size_t at = 0; at < size; at += 1460) {
      const size_t piece = size - at < 1460 ? size - at : 1460;
      SECUREOTA_TRY(updater->write(Bytes(container.data() + at, piece)));
    }
    return Error::None;
  }

  int slot;
  Error begun;
  Error resumed;  // the copying of a staged filesystem; None where there was none
  secureota::Floor floor;
  secureota::Trial trial;

 private:
  CutFlash* flash_;
  Record store_;
  SlotSink slots_;
  FilesystemSink spare_;
  FilesystemSink inPlace_;
  secureota::StagedFilesystem filesystem_;
  secureota::SinkByKind sink_;
  SlotControl control_;
  pretend::Journal journal_;
  pretend::Listener listener_;
  Buffer buffer_;
  secureota::TrustStore anchors_;
  secureota::Rules rules_;
  uint8_t running_[secureota::kSha256Size];
};

typedef std::vector<uint8_t> Snapshot;

// A device that was flashed with image 'A' by cable and has started once.
inline Snapshot fresh() {
  CutFlash flash(kSmall.size());
  BootData data;
  data.slots[0].state = SlotState::Valid;
  data.slots[0].size = kImageSize;
  CHECK_ERROR(secureota::digest(secureota::DigestAlgorithm::Sha256, bytesOf(image('A')),
                                data.slots[0].digest),
              Error::None);
  CHECK_ERROR(BootStore(&flash, kSmall.bootData).save(data), Error::None);
  const Buffer program = image('A');
  memcpy(flash.bytes.data() + kSmall.slots[0].offset, program.data(), program.size());
  return flash.bytes;
}

}  // namespace pretend
