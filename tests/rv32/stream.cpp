// What an image costs on its way into flash, for each of its bytes: by the Updater, and by the
// whole protocol in front of it, beside bare SHA-256 over the same pieces. The flash takes no time
// here.

#include <mbedtls/sha256.h>
#include <mbedtls/version.h>

#include "batch.h"
#include "board.h"
#include "secureota/receiver.h"
#include "secureota/text.h"

#if MBEDTLS_VERSION_MAJOR < 3
#define BARE_MBEDTLS(name) name##_ret
#else
#define BARE_MBEDTLS(name) name
#endif

namespace {

using namespace secureota;

// What one read of a sketch's TCP stream brings at most (SecureOTA.h).
const size_t kPiece = 1460;

// Flash that has the image already.
class Flash final : public ImageSink {
 public:
  Bytes image;

  size_t capacity(ImageKind) override { return image.size; }
  Error open(ImageKind, size_t) override { return Error::None; }
  Error write(Bytes) override { return Error::None; }
  Error seal() override { return Error::None; }
  Error readBack(size_t offset, uint8_t* out, size_t size) override {
    memcpy(out, image.data + offset, size);
    return Error::None;
  }
  Error activate() override { return Error::None; }
  void abort() override {}
};

class NoStore final : public RecordStore {
 public:
  size_t load(uint8_t*, size_t) override { return 0; }
  Error save(Bytes) override { return Error::None; }
};

class NoListener final : public UpdateListener {};

class Zeros final : public RandomSource {
 public:
  void fill(uint8_t* out, size_t size) override { memset(out, 0, size); }
};

class NoFacts final : public FactsSource {
 public:
  DeviceFacts deviceFacts() override { return DeviceFacts(); }
};

void must(Error error) {
  if (error != Error::None) {
    giveUp(errorName(error));
  }
}

void must(bool good) {
  if (!good) {
    giveUp("the stream did not go as it should");
  }
}

// Everything that a device has, but its network.
struct Device {
  Flash flash;
  NoStore store;
  NoListener listener;
  Zeros zeros;
  NoFacts facts;
  Floor floor;
  Password password;
  TrustStore anchors;
  uint8_t buffer[4096];
  ReceiverParts parts;

  explicit Device(const Case& one, Bytes image) {
    flash.image = image;
    for (size_t i = 0; i < one.anchorCount(); ++i) {
      must(anchors.add(one.anchor(i)));
    }
    must(floor.begin(&store, kNoTime));
    parts.updater.sink = &flash;
    parts.updater.floor = &floor;
    parts.updater.anchors = &anchors;
    parts.updater.rules = &one.rules;
    parts.updater.listener = &listener;
    parts.updater.buffer = buffer;
    parts.updater.bufferSize = sizeof buffer;
    parts.password = &password;
    parts.random = &zeros;
    parts.facts = &facts;
  }
};

// Gives `bytes` away in pieces; returns the instructions that this took.
template <typename Take>
uint32_t inPieces(Bytes bytes, Take take) {
  const uint32_t start = instructions();
  for (size_t at = 0; at < bytes.size; at += kPiece) {
    const size_t left = bytes.size - at;
    take(Bytes(bytes.data + at, left < kPiece ? left : kPiece));
  }
  return instructions() - start;
}

// Both passes over an image that nobody can do without: the bytes that come, and the bytes that lie
// in flash.
void measureBare(Bytes image) {
  static uint8_t buffer[4096];
  uint8_t hash[kSha256Size];
  mbedtls_sha256_context running;
  mbedtls_sha256_init(&running);
  must(BARE_MBEDTLS(mbedtls_sha256_starts)(&running, 0) == 0);
  sayField("bare_stream", inPieces(image, [&](Bytes piece) {
             must(BARE_MBEDTLS(mbedtls_sha256_update)(&running, piece.data, piece.size) == 0);
           }));
  const uint32_t start = instructions();
  must(BARE_MBEDTLS(mbedtls_sha256_finish)(&running, hash) == 0);
  must(BARE_MBEDTLS(mbedtls_sha256_starts)(&running, 0) == 0);
  for (size_t at = 0; at < image.size; at += sizeof buffer) {
    const size_t left = image.size - at;
    const size_t piece = left < sizeof buffer ? left : sizeof buffer;
    memcpy(buffer, image.data + at, piece);
    must(BARE_MBEDTLS(mbedtls_sha256_update)(&running, buffer, piece) == 0);
  }
  must(BARE_MBEDTLS(mbedtls_sha256_finish)(&running, hash) == 0);
  sayField("bare_finish", instructions() - start);
  mbedtls_sha256_free(&running);
}

void measureUpdater(Device* device, Bytes container, size_t imageAt, Bytes image) {
  static Updater updater;
  must(updater.begin(device->parts.updater, ImageKind::Application, container.size));
  must(updater.write(Bytes(container.data, imageAt)));
  sayField("stream", inPieces(image, [](Bytes piece) { must(updater.write(piece)); }));
  const uint32_t start = instructions();
  must(updater.finish());
  sayField("finish", instructions() - start);
}

// `md`: what the invitation says of the whole container.
void measureReceiver(const char* field, const char* md, DigestAlgorithm algorithm, Device* device,
                     Bytes container, size_t imageAt, Bytes image) {
  uint8_t hash[kMaxDigestSize];
  char invitation[200];
  must(digest(algorithm, container, hash));
  size_t size = appendText("RedWax/1.00 cmd=0 port=7777 size=", invitation, 0, sizeof invitation);
  size += formatNumber(container.size, invitation + size);
  size = appendText(" md=", invitation, size, sizeof invitation);
  size = appendText(md, invitation, size, sizeof invitation);
  size = appendText(" digest=", invitation, size, sizeof invitation);
  formatHex(Bytes(hash, digestSize(algorithm)), invitation + size);
  size += 2 * digestSize(algorithm);
  invitation[size++] = '\n';

  static Receiver receiver;
  receiver.begin(device->parts);
  must(receiver.onDatagram(asBytes(invitation, size), Endpoint(), 0).connect);
  (void)receiver.onConnected(0);
  must(!receiver.onStream(Bytes(container.data, imageAt), 0).endStream);
  // The last piece would be the verdict, which is `finish`.
  const Bytes most(image.data, image.size - image.size % kPiece);
  const uint32_t took =
      inPieces(most, [](Bytes piece) { must(!receiver.onStream(piece, 0).endStream); });
  sayField(field, static_cast<uint32_t>(static_cast<uint64_t>(took) * image.size / most.size));
  const Bytes last(image.data + most.size, image.size - most.size);
  must(receiver.onStream(last, 0).endStream && receiver.onStreamClosed().restart);
}

}  // namespace

int main() {
  Batch batch;
  static Case one;
  while (batch.next(&one)) {
    HeaderReader reader;
    size_t imageAt = 0;
    must(reader.feed(one.container, &imageAt));
    must(reader.complete());
    imageAt += reader.header().tokenSize;
    const Bytes image(one.container.data + imageAt, one.container.size - imageAt);
    static Device device(one, image);
    sayField("bytes", image.size);
    measureBare(image);
    measureUpdater(&device, one.container, imageAt, image);
    measureReceiver("receiver_sha256", "SHA256", DigestAlgorithm::Sha256, &device, one.container,
                    imageAt, image);
    measureReceiver("receiver_md5", "MD5", DigestAlgorithm::Md5, &device, one.container, imageAt,
                    image);
    say("\n");
  }
  return 0;
}
