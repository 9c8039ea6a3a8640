// Updates whose images say what they are: what a device decides, when it decides it, and what of
// the image gets into flash.
#include "manifest_tokens.h"
#include "pretend.h"
#include "secureota/text.h"

using pretend::Buffer;
using pretend::Device;
using secureota::Bytes;
using secureota::Error;
using secureota::ImageKind;
using secureota::Manifest;
using secureota::Updater;

namespace {

const ImageKind kApp = ImageKind::Application;
const ImageKind kFs = ImageKind::Filesystem;

const char kWholeStory[] = "start open write seal readBack save activate activated";
const char kFilesystemStory[] = "start save open write seal readBack activate save activated";
const char kBeforeTheSlot[] = "abort";
const char kAfterTheLastByte[] = "start open write abort";
const char kAfterTheLastByteFs[] = "start save open write abort";

struct Signed {
  Buffer image;
  Buffer token;
};

template <size_t imageSize, size_t tokenSize>
Signed signedImage(const uint8_t (&image)[imageSize], const uint8_t (&token)[tokenSize]) {
  return Signed{Buffer(image, image + imageSize), Buffer(token, token + tokenSize)};
}
#define SIGNED(name) signedImage(k##name##Image, k##name##Token)

Buffer containerOf(const Signed& each, const std::string& hints = "") {
  const std::string header = "RedWax/1.00 rfc3161=" + std::to_string(each.token.size()) +
                             " payload=" + std::to_string(each.image.size()) + hints + "\n";
  return pretend::join(header, each.token, each.image);
}

// A device of these facts, and one update of it.
struct Trial {
  Trial(const char* product, const char* hardware) {
    own.product = secureota::asBytes(product);
    if (*hardware != '\0') {
      own.hardware[own.hardwareCount++] = secureota::asBytes(hardware);
    }
    CHECK_ERROR(device.anchors.add(Bytes(kManifestAnchor, sizeof kManifestAnchor)), Error::None);
    device.flash.filesystemSize = 8192;
  }

  Error update(const Buffer& container, ImageKind kind, size_t piece = 1460) {
    device.journal.lines.clear();
    secureota::UpdaterParts parts = device.parts();
    parts.own = &own;
    Updater updater;
    SECUREOTA_TRY(updater.begin(parts, kind, static_cast<uint32_t>(container.size())));
    for (size_t at = 0; at < container.size(); at += piece) {
      const size_t size = container.size() - at < piece ? container.size() - at : piece;
      SECUREOTA_TRY(updater.write(Bytes(container.data() + at, size)));
    }
    return updater.finish();
  }

  Device device;
  Manifest own;
};

void whatADeviceDecidesAndWhen() {
  const struct {
    const char* product;
    const char* hardware;
    ImageKind kind;
    Signed image;
    Error error;
    const char* story;
  } kCases[] = {
      // Devices that say nothing about themselves.
      {"", "", kApp, SIGNED(Plain), Error::None, kWholeStory},
      {"", "", kApp, SIGNED(Small), Error::None, kWholeStory},
      {"", "", kApp, SIGNED(LampApp), Error::None, kWholeStory},
      {"", "", kApp, SIGNED(Esp32Plain), Error::None, kWholeStory},
      {"", "", kApp, SIGNED(Esp32Lamp), Error::None, kWholeStory},
      {"", "", kFs, SIGNED(LampFs), Error::None, kFilesystemStory},
      {"", "", kFs, SIGNED(AnyFs), Error::None, kFilesystemStory},
      // The right ones.
      {"lamp", "revA", kApp, SIGNED(LampApp), Error::None, kWholeStory},
      {"lamp", "revB", kApp, SIGNED(Esp32Lamp), Error::None, kWholeStory},
      {"lamp", "revB", kApp, SIGNED(Esp32LampAlone), Error::None, kWholeStory},
      {"lamp", "revA", kApp, SIGNED(AnyApp), Error::None, kWholeStory},
      {"lamp", "revA", kFs, SIGNED(LampFs), Error::None, kFilesystemStory},
      {"lamp", "revA", kFs, SIGNED(AnyFs), Error::None, kFilesystemStory},
      {"lamp", "", kApp, SIGNED(ManifestAlone), Error::None, kWholeStory},
      // ESP32 applications, before anything is erased.
      {"lamp", "revA", kApp, SIGNED(Esp32Plain), Error::ManifestMissing, kBeforeTheSlot},
      {"lamp", "revA", kApp, SIGNED(Esp32Trailer), Error::ManifestMissing, kBeforeTheSlot},
      {"heater", "", kApp, SIGNED(Esp32Lamp), Error::WrongProduct, kBeforeTheSlot},
      {"heater", "", kApp, SIGNED(Esp32LampAlone), Error::WrongProduct, kBeforeTheSlot},
      {"lamp", "revC", kApp, SIGNED(Esp32Lamp), Error::WrongHardware, kBeforeTheSlot},
      {"", "revC", kApp, SIGNED(Esp32Lamp), Error::WrongHardware, kBeforeTheSlot},
      {"", "", kApp, SIGNED(Esp32Bad), Error::ManifestMalformed, kBeforeTheSlot},
      {"", "", kApp, SIGNED(Esp32Fs), Error::ManifestMalformed, kBeforeTheSlot},
      {"", "", kFs, SIGNED(Esp32Lamp), Error::ImageKindMismatch, kBeforeTheSlot},
      {"", "", kFs, SIGNED(Esp32Plain), Error::ManifestMissing, kBeforeTheSlot},
      {"", "", kFs, SIGNED(Esp32Fs), Error::ManifestMalformed, kBeforeTheSlot},
      // What is too small for a manifest.
      {"lamp", "", kApp, SIGNED(Small), Error::ManifestMissing, kBeforeTheSlot},
      {"", "", kFs, SIGNED(Small), Error::ManifestMissing, kBeforeTheSlot},
      // Others, before anything is activated.
      {"lamp", "revA", kApp, SIGNED(Plain), Error::ManifestMissing, kAfterTheLastByte},
      {"heater", "", kApp, SIGNED(LampApp), Error::WrongProduct, kAfterTheLastByte},
      {"lamp", "revC", kApp, SIGNED(LampApp), Error::WrongHardware, kAfterTheLastByte},
      {"lamp", "revA", kApp, SIGNED(BadApp), Error::ManifestMalformed, kAfterTheLastByte},
      {"", "", kApp, SIGNED(BadApp), Error::ManifestMalformed, kAfterTheLastByte},
      {"lamp", "revA", kApp, SIGNED(LampFs), Error::ImageKindMismatch, kAfterTheLastByte},
      {"", "", kApp, SIGNED(AnyFs), Error::ImageKindMismatch, kAfterTheLastByte},
      {"lamp", "revA", kFs, SIGNED(LampApp), Error::ImageKindMismatch, kAfterTheLastByteFs},
      {"", "", kFs, SIGNED(AnyApp), Error::ImageKindMismatch, kAfterTheLastByteFs},
      {"", "", kFs, SIGNED(Plain), Error::ManifestMissing, kAfterTheLastByteFs},
      {"", "", kFs, SIGNED(BadFs), Error::ManifestMalformed, kAfterTheLastByteFs},
      {"heater", "", kFs, SIGNED(LampFs), Error::WrongProduct, kAfterTheLastByteFs},
      {"lamp", "revC", kFs, SIGNED(LampFs), Error::WrongHardware, kAfterTheLastByteFs},
  };
  for (const auto& each : kCases) {
    Trial trial(each.product, each.hardware);
    CHECK_ERROR(trial.update(containerOf(each.image), each.kind), each.error);
    CHECK(trial.device.journal.story() == each.story);
    CHECK(trial.device.flash.bootable == (each.error == Error::None));
  }
}

// A filesystem's manifest is signed and sent, and not written; everything else is.
void whatGetsIntoFlashInPiecesOfEverySize() {
  const struct {
    ImageKind kind;
    Signed image;
    size_t notWritten;
  } kCases[] = {{kFs, SIGNED(LampFs), secureota::kManifestSize},
                {kApp, SIGNED(LampApp), 0},
                {kApp, SIGNED(Esp32Lamp), 0},
                {kApp, SIGNED(Small), 0}};
  for (const auto& each : kCases) {
    const Buffer container = containerOf(each.image);
    const Buffer stored(each.image.image.begin(),
                        each.image.image.end() - static_cast<ptrdiff_t>(each.notWritten));
    for (size_t piece = 1; piece <= container.size(); piece += piece < 600 ? 1 : 83) {
      Trial trial("", "");
      CHECK_ERROR(trial.update(container, each.kind, piece), Error::None);
      CHECK(trial.device.flash.slot == stored);
    }
  }
}

void everyBitOfAFilesystemCounts() {
  const Buffer good = containerOf(SIGNED(LampFs));
  const size_t imageAt = good.size() - sizeof kLampFsImage;
  for (size_t at = imageAt; at < good.size(); at += 7) {
    Trial trial("lamp", "revA");
    Buffer bad = good;
    bad[at] ^= 0x10;
    CHECK_ERROR(trial.update(bad, kFs), Error::ImageMismatch);
    CHECK(!trial.device.flash.bootable);
  }
  for (size_t bit = 0; bit < 8 * (sizeof kLampFsImage - secureota::kManifestSize); bit += 31) {
    Trial trial("lamp", "revA");
    trial.device.flash.flipAfterSeal = static_cast<int>(bit);
    CHECK_ERROR(trial.update(good, kFs), Error::FlashReadBackMismatch);
    CHECK(!trial.device.flash.bootable);
  }
}

void filesystemsFitWithoutTheirManifest() {
  Trial trial("", "");
  trial.device.flash.filesystemSize = sizeof kLampFsImage - secureota::kManifestSize;
  CHECK_ERROR(trial.update(containerOf(SIGNED(LampFs)), kFs), Error::None);
  --trial.device.flash.filesystemSize;
  CHECK_ERROR(trial.update(containerOf(SIGNED(LampFs)), kFs), Error::ImageTooLarge);
  CHECK(trial.device.journal.story() == kBeforeTheSlot);
  trial.device.flash.filesystemSize = 0;
  CHECK_ERROR(trial.update(containerOf(SIGNED(LampFs)), kFs), Error::WrongImageKind);
}

// The header can stop an update early. It can't make one good.
void hints() {
  const struct {
    const char* hints;
    ImageKind kind;
    Signed image;
    Error error;
    const char* story;
  } kCases[] = {
      {" product=lamp kind=app", kApp, SIGNED(LampApp), Error::None, kWholeStory},
      {" kind=fs product=lamp", kFs, SIGNED(LampFs), Error::None, kFilesystemStory},
      {" product= kind=", kApp, SIGNED(LampApp), Error::None, kWholeStory},
      {" kind=App Product=heater", kApp, SIGNED(LampApp), Error::None, kWholeStory},
      {" kind=fs", kApp, SIGNED(LampApp), Error::ImageKindMismatch, kBeforeTheSlot},
      {" kind=app", kFs, SIGNED(LampFs), Error::ImageKindMismatch, kBeforeTheSlot},
      {" product=heater", kApp, SIGNED(LampApp), Error::WrongProduct, kBeforeTheSlot},
      {" product=heater product=lamp", kFs, SIGNED(LampFs), Error::WrongProduct, kBeforeTheSlot},
      // Liars.
      {" product=lamp", kApp, SIGNED(Plain), Error::ManifestMissing, kAfterTheLastByte},
      {" product=lamp kind=app", kApp, SIGNED(LampFs), Error::ImageKindMismatch, kAfterTheLastByte},
      {" product=lamp kind=fs", kFs, SIGNED(Plain), Error::ManifestMissing, kAfterTheLastByteFs},
  };
  for (const auto& each : kCases) {
    for (size_t piece : {1UL, 100000UL}) {
      Trial trial("lamp", "revA");
      CHECK_ERROR(trial.update(containerOf(each.image, each.hints), each.kind, piece), each.error);
      CHECK(trial.device.journal.story() == each.story);
    }
  }
  Trial anybody("", "");
  CHECK_ERROR(anybody.update(containerOf(SIGNED(LampApp), " product=heater"), kApp), Error::None);
}

void filesystemCountsAsNoneWhileItIsWritten() {
  Trial trial("lamp", "revA");
  secureota::Floor& floor = trial.device.floor;
  CHECK_ERROR(trial.update(containerOf(SIGNED(Esp32Lamp)), kFs), Error::ImageKindMismatch);
  CHECK(floor.filesystemIsWhole());  // nothing was erased
  Buffer bad = containerOf(SIGNED(LampFs));
  bad.back() ^= 1;
  CHECK_ERROR(trial.update(bad, kFs), Error::ImageMismatch);
  CHECK(!floor.filesystemIsWhole());
  CHECK_ERROR(trial.update(containerOf(SIGNED(LampApp)), kApp), Error::None);
  CHECK(!floor.filesystemIsWhole());  // an application does not mend it
  CHECK_ERROR(trial.update(containerOf(SIGNED(LampFs)), kFs), Error::None);
  CHECK(floor.filesystemIsWhole());
}

void filesystemWhoseFlashFails() {
  for (int at = 0; at < 6; ++at) {
    Trial trial("lamp", "revA");
    trial.device.flash.failAt = at;
    const Error error = trial.update(containerOf(SIGNED(LampFs)), kFs);
    CHECK((error == Error::None) == trial.device.floor.filesystemIsWhole());
    if (error != Error::None) {
      CHECK_ERROR(trial.update(containerOf(SIGNED(LampFs)), kFs), Error::None);
      CHECK(trial.device.floor.filesystemIsWhole());
    }
  }
}

void whatTheSketchPutThere() {
  Trial trial("lamp", "revA");
  trial.device.flash.failAt = 1;
  CHECK_ERROR(trial.update(containerOf(SIGNED(LampFs)), kFs), Error::FlashWriteFailed);
  CHECK_ERROR(trial.device.floor.forgetFilesystem(), Error::None);
  secureota::Floor next;
  CHECK_ERROR(next.begin(&trial.device.store, 0), Error::None);
  CHECK(next.filesystemIsWhole() && next.record().filesystem.confirmed.size == 0);
}

// What runs already is answered before its manifest is looked at: nothing will be touched.
void replayIsNotJudged() {
  Trial trial("heater", "");
  CHECK_ERROR(secureota::digest(secureota::DigestAlgorithm::Sha256,
                                Bytes(kLampAppImage, sizeof kLampAppImage), trial.device.running),
              Error::None);
  CHECK_ERROR(trial.update(containerOf(SIGNED(LampApp)), kApp), Error::None);
  CHECK(trial.device.journal.story() == "alreadyRunning");
}

}  // namespace

int main() {
  whatADeviceDecidesAndWhen();
  whatGetsIntoFlashInPiecesOfEverySize();
  everyBitOfAFilesystemCounts();
  filesystemsFitWithoutTheirManifest();
  hints();
  filesystemCountsAsNoneWhileItIsWritten();
  filesystemWhoseFlashFails();
  whatTheSketchPutThere();
  replayIsNotJudged();
  return secureota_test::report();
}
