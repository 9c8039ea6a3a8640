// A container, in pieces, into flash that may fail. The last eight bytes of an input are settings:
//
//   0  bits: 01 no anchors, 02 the image runs already, 04 a filesystem image, 08 a bit of the flash
//      turns over, 10 the record can't be saved, 20 the size that was announced is one too many,
//      40 the device is a lamp, 80 it has a filesystem
//   1  the operation of the flash that fails; 0: none
//   2  the call of the cryptography that finds no memory; 0: none
//   3  size of the lent buffer: 0 the largest
//   4  how the container is cut into pieces; 0: not at all
//   5  the floor: 0 none, 1 below, 2 equal, 3 above the token's time
//   6  which bit turns over
//   7  size of the slot: 0 large, else so many bytes
//
// Promised of every input, besides what Flash and Meter see: pieces of every size give the same
// verdict; nothing boots unless finish() said so, or whose manifest is not for this device; memory
// is the lent buffer's (the sanitizer watches its end); and then a good container is taken.

#include <algorithm>

#include "crypto_mode.h"
#include "device.h"
#include "meter.h"
#include "mutator.h"
#include "repair.h"
#include "secureota/path.h"
#include "secureota/text.h"

using fuzz::Buffer;
using secureota::Bytes;
using secureota::Error;
using secureota::ImageKind;
using secureota::TrustStore;
using secureota::Updater;
using secureota::VerifiedToken;

namespace {

const size_t kSettingsSize = 8;

struct Settings {
  uint8_t bits, flashFails, cryptoFails, bufferSize, pieces, floor, flippedBit, slotSize;

  bool has(uint8_t bit) const { return (bits & bit) != 0; }
  bool nothingFails() const { return flashFails == 0 && cryptoFails == 0; }
};

class Trial {
 public:
  Trial(const Settings& settings, Bytes container)
      : settings_(settings),
        container_(container),
        bufferSize_(settings.bufferSize == 0
                        ? secureota::kMaxTokenSize
                        : secureota::kFrontSize + size_t(settings.bufferSize) * 16),
        acceptable_(false) {
    const Bytes token = fuzz::tokenIn(container);
    acceptable_ = !settings.has(0x01) && !token.empty() &&
                  verifyToken(token, fuzz::anchors(), rules_, &token_) == Error::None;
  }

  // One update from begin to end.
  Error run(Updater* updater, unsigned pieces) {
    setUp();
    secureota::UpdaterParts parts = this->parts();
    const TrustStore& anchors = *parts.anchors;
    const ImageKind kind = this->kind();
    const size_t total = container_.size + (settings_.has(0x20) ? 1 : 0);
    fuzz::start(anchors);
    fuzz::failProviderAt(settings_.cryptoFails);
    Error error = updater->begin(parts, kind, static_cast<uint32_t>(total));
    if (error == Error::None) {
      error = feed(updater, pieces);
    }
    const fuzz::Meter used = fuzz::stop();
    fuzz::failProviderAt(0);
    judge(error, *updater, used);
    return error;
  }

  // Afterwards, a good one must get in.
  void recover(Updater* updater) {
    const Buffer& good = fuzz::containerOf(0);
    VerifiedToken token;
    PROPERTY(verifyToken(fuzz::tokenIn(fuzz::bytesOf(good)), fuzz::anchors(), rules_, &token) ==
                 Error::None,
             "the seeds are good");
    flash_.reset();
    flash_.accepted = &token;
    record_ = fuzz::Record();
    secureota::UpdaterParts parts = this->parts();
    parts.anchors = &fuzz::anchors();
    parts.trial = nullptr;
    parts.runningDigest = nullptr;
    parts.own = nullptr;
    parts.bufferSize = secureota::kMaxTokenSize;
    parts.buffer = fuzz::lentBuffer(parts.bufferSize);
    floor_ = secureota::Floor();
    PROPERTY(floor_.begin(&record_, secureota::kNoTime) == Error::None, "a floor can be begun");
    Error error = updater->begin(parts, ImageKind::Application, static_cast<uint32_t>(good.size()));
    if (error == Error::None) {
      error = updater->write(fuzz::bytesOf(good));
    }
    if (error == Error::None) {
      error = updater->finish();
    }
    PROPERTY(error == Error::None && flash_.bootable,
             "a good container is taken after whatever came before");
  }

 private:
  ImageKind kind() const {
    return settings_.has(0x04) ? ImageKind::Filesystem : ImageKind::Application;
  }

  // What stands behind the token.
  Bytes image() const {
    const Bytes token = fuzz::tokenIn(container_);
    const uint8_t* const at = token.empty() ? nullptr : token.data + token.size;
    return at == nullptr ? Bytes() : Bytes(at, container_.size - (at - container_.data));
  }

  Bytes end() const {
    return Bytes(image().data + image().size - secureota::kManifestSize, secureota::kManifestSize);
  }

  // Is the image for this device? Read without the core's readers.
  bool fits() const {
    static const uint8_t kDescription[] = {0x32, 0x54, 0xcd, 0xab};
    static const uint8_t kLamp[32] = {'l', 'a', 'm', 'p'};
    static const uint8_t kAny[32] = {};
    const Bytes all = image();
    const bool esp32 =
        all.size >= 36 && all.data[0] == 0xe9 && memcmp(all.data + 32, kDescription, 4) == 0;
    Bytes place;
    if (esp32 ? all.size >= secureota::kFrontSize : all.size >= secureota::kManifestSize) {
      place =
          esp32 ? Bytes(all.data + secureota::kManifestOffset, secureota::kManifestSize) : end();
    }
    if (place.empty() || memcmp(place.data, "SOTAinfo", 8) != 0) {
      return !settings_.has(0x40) && kind() == ImageKind::Application;
    }
    return place.data[8] == 1 && place.data[9] == (kind() == ImageKind::Application ? 1 : 2) &&
           (!settings_.has(0x40) || memcmp(place.data + 24, kLamp, 32) == 0 ||
            memcmp(place.data + 24, kAny, 32) == 0);
  }

  void setUp() {
    flash_.reset();
    flash_.accepted = acceptable_ ? &token_ : nullptr;
    flash_.announced = kind();
    flash_.hasFilesystem = settings_.has(0x80);
    if (kind() == ImageKind::Filesystem && image().size >= secureota::kManifestSize) {
      flash_.heldBack = end();
    }
    flash_.failAt = settings_.flashFails;
    flash_.flipAfterSeal = settings_.has(0x08) ? settings_.flippedBit : -1;
    flash_.slotSize = settings_.slotSize == 0 ? fuzz::kSlotSize : settings_.slotSize;
    record_ = fuzz::Record();
    floor_ = secureota::Floor();
    const secureota::Time floors[] = {secureota::kNoTime, token_.genTime - 1, token_.genTime,
                                      token_.genTime + 1};
    own_.product = settings_.has(0x40) ? secureota::asBytes("lamp") : Bytes();
    const secureota::Time floor = acceptable_ ? floors[settings_.floor % 4] : secureota::kNoTime;
    PROPERTY(floor_.begin(&record_, floor) == Error::None, "a floor can be begun");
    record_.fails = settings_.has(0x10);
  }

  secureota::UpdaterParts parts() {
    static const TrustStore kNoAnchors;
    secureota::UpdaterParts parts;
    parts.sink = &flash_;
    parts.floor = &floor_;
    parts.anchors = settings_.has(0x01) ? &kNoAnchors : &fuzz::anchors();
    parts.rules = &rules_;
    parts.listener = &listener_;
    parts.buffer = fuzz::lentBuffer(bufferSize_);
    parts.bufferSize = bufferSize_;
    parts.trial = nullptr;
    parts.runningDigest = settings_.has(0x02) && acceptable_ ? token_.imageDigest : nullptr;
    parts.own = &own_;
    return parts;
  }

  Error feed(Updater* updater, unsigned pieces) {
    unsigned random = pieces;
    for (size_t at = 0; at < container_.size;) {
      random = random * 1103515245u + 12345u;
      const size_t left = container_.size - at;
      const size_t piece = pieces == 0 ? left : std::min<size_t>(left, 1 + random / 65536u % 500);
      SECUREOTA_TRY(updater->write(Bytes(container_.data + at, piece)));
      PROPERTY(!flash_.bootable, "nothing boots before the end");
      at += piece;
    }
    return updater->finish();
  }

  void judge(Error error, const Updater& updater, const fuzz::Meter& used) {
    const bool running = updater.alreadyRunning() && error == Error::None;
    PROPERTY(!flash_.isOpen, "an update that is over leaves nothing open");
    PROPERTY(flash_.bootable == (error == Error::None && !running), "what was accepted boots");
    PROPERTY(error != Error::None || acceptable_, "what is accepted has a good token");
    PROPERTY(
        !flash_.bootable || kind() == ImageKind::Filesystem || record_.expects(token_.imageDigest),
        "what boots is expected");
    PROPERTY(!flash_.bootable || fits(), "what boots is for this device");
    PROPERTY(!running || flash_.opened == 0, "what runs already is not written again");
    PROPERTY(!flash_.bootable || settings_.floor % 4 < 2, "what boots is newer than the floor");
    PROPERTY(!flash_.bootable || !settings_.has(0x08) || image().size == flash_.heldBack.size,
             "flash that turned over does not boot");
    PROPERTY(used.allocations == 0, "the core allocates nothing");
    const size_t most = 12 * secureota::kMaxTokenSize + 2 * fuzz::kSlotSize + 2 * 4096 +
                        4 * secureota::kRecordSize;  // token, image, anchors, record
    PROPERTY(used.bytesHashed <= most, "hashing is bounded");
  }

  const Settings settings_;
  const Bytes container_;
  const size_t bufferSize_;
  bool acceptable_;
  VerifiedToken token_;
  secureota::Rules rules_;
  fuzz::Flash flash_;
  fuzz::Record record_;
  secureota::Floor floor_;
  secureota::Manifest own_;
  struct : secureota::UpdateListener {
  } listener_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < kSettingsSize) {
    return 0;
  }
  Settings settings;
  memcpy(&settings, data + size - kSettingsSize, kSettingsSize);
  Trial trial(settings, Bytes(data, size - kSettingsSize));
  Updater updater;
  const Error error = trial.run(&updater, settings.pieces);
  // Where something fails, it fails at another byte when the pieces are others.
  if (settings.pieces != 0 && settings.nothingFails()) {
    PROPERTY(trial.run(&updater, 0) == error, "pieces of every size give the same verdict");
  }
  if (fuzz::cryptoIsStub() || size % 8 == 0) {  // real signatures take milliseconds
    trial.recover(&updater);
  }
  return 0;
}

namespace {

// Where the token stands between header and image.
size_t tokenAt(const Buffer& container, size_t* size) {
  const Bytes token = fuzz::tokenIn(fuzz::bytesOf(container));
  *size = token.size;
  return token.empty() ? 0 : static_cast<size_t>(token.data - container.data());
}

// Another token in front of the same image, and a header that fits. 0 if it gets too long.
size_t replaceToken(uint8_t* data, size_t size, size_t maxSize, unsigned seed) {
  const Buffer container(data, data + size - kSettingsSize);
  const Buffer settings(data + size - kSettingsSize, data + size);
  size_t tokenSize = 0;
  const size_t at = tokenAt(container, &tokenSize);
  if (at == 0) {
    return 0;
  }
  Buffer token(container.begin() + static_cast<ptrdiff_t>(at),
               container.begin() + static_cast<ptrdiff_t>(at + tokenSize));
  token.resize(std::max<size_t>(2 * tokenSize, 1024));
  token.resize(fuzz::mutateToken(token.data(), tokenSize, token.size(), seed));
  const size_t imageSize = container.size() - at - tokenSize;
  const std::string header = "RedWax/1.00 rfc3161=" + std::to_string(token.size()) +
                             " payload=" + std::to_string(imageSize) + "\n";
  Buffer out(header.begin(), header.end());
  out.insert(out.end(), token.begin(), token.end());
  out.insert(out.end(), container.end() - static_cast<ptrdiff_t>(imageSize), container.end());
  out.insert(out.end(), settings.begin(), settings.end());
  if (out.size() > maxSize) {
    return 0;
  }
  memcpy(data, out.data(), out.size());
  return out.size();
}

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t maxSize,
                                          unsigned seed) {
  size_t written = 0;
  if (size > kSettingsSize && seed % 4 == 0) {
    written = replaceToken(data, size, maxSize, seed / 4);
  } else if (size >= kSettingsSize && seed % 4 == 1) {
    uint8_t* const settings = data + size - kSettingsSize;
    settings[seed / 4 % kSettingsSize] = static_cast<uint8_t>(seed / 64 % 97 % 32);
    written = size;
  }
  if (written == 0) {
    written = LLVMFuzzerMutate(data, size, maxSize);
  }
  if (fuzz::cryptoIsStub() && written > kSettingsSize && seed % 16 != 0) {
    fuzz::repairContainer(data, written - kSettingsSize);
  }
  return written;
}
