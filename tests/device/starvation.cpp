// What happens when memory runs out: every allocation during a whole upload fails in turn, once
// alone and once with all behind it.
//
//     starvation [step]        1 (the default): each allocation; n: each n-th
//
// The core allocates nothing itself; the provider of the cryptography does. Each time the upload
// must end in a refusal that says OutOfMemory, nothing may be leaked or bootable, and the next
// upload with memory back must be taken. (Where one allocation alone fails, the provider may do
// without: then the upload is a good one, and counted apart.) A forgery stays one, whichever
// allocation fails. Besides, what an upload takes is measured: allocations, the most heap at a
// time, and the deepest stack.
//
// The linker sends the provider's calls of malloc and its kin here (-Wl,--wrap, fuzz.mk).

#include <pthread.h>
#include <stdlib.h>

#include "../fuzz/seeds.h"
#include "pretend.h"
#include "secureota/receiver.h"
#include "secureota/text.h"

using pretend::Buffer;
using secureota::Actions;
using secureota::Bytes;
using secureota::DigestAlgorithm;
using secureota::Error;
using secureota::Receiver;

// ---- the heap -----------------------------------------------------------------------------------

namespace {

enum class Failing : uint8_t { None, One, AllFrom };

struct Heap {
  bool counts;  // the device is at work
  unsigned long allocations;
  unsigned long failAt;  // counted from 1
  Failing failing;
  long blocks;  // that are held now
  size_t held;  // bytes
  size_t most;  // bytes that were ever held at a time
};
Heap heap;

// In front of every block: its size.
union BlockHead {
  size_t size;
  long double align_;
};

bool mayAllocate() {
  if (!heap.counts) {
    return true;
  }
  ++heap.allocations;
  return heap.failing == Failing::None || heap.allocations < heap.failAt ||
         (heap.failing == Failing::One && heap.allocations > heap.failAt);
}

}  // namespace

extern "C" {
void* __real_malloc(size_t size);
void __real_free(void* block);
void* __wrap_malloc(size_t size);
void* __wrap_calloc(size_t count, size_t size);
void* __wrap_realloc(void* block, size_t size);
void __wrap_free(void* block);

void* __wrap_malloc(size_t size) {
  BlockHead* const head =
      mayAllocate() ? static_cast<BlockHead*>(__real_malloc(sizeof(BlockHead) + size)) : nullptr;
  if (head == nullptr) {
    return nullptr;
  }
  head->size = size;
  ++heap.blocks;
  heap.held += size;
  heap.most = heap.held > heap.most ? heap.held : heap.most;
  return head + 1;
}

void* __wrap_calloc(size_t count, size_t size) {
  if (size != 0 && count > SIZE_MAX / size) {
    return nullptr;
  }
  void* const block = __wrap_malloc(count * size);
  return block == nullptr ? nullptr : memset(block, 0, count * size);
}

void* __wrap_realloc(void* block, size_t size) {
  void* const larger = __wrap_malloc(size);
  if (larger != nullptr && block != nullptr) {
    const size_t before = (static_cast<BlockHead*>(block) - 1)->size;
    memcpy(larger, block, before < size ? before : size);
    __wrap_free(block);
  }
  return larger;
}

void __wrap_free(void* block) {
  if (block == nullptr) {
    return;
  }
  BlockHead* const head = static_cast<BlockHead*>(block) - 1;
  --heap.blocks;
  heap.held -= head->size;
  __real_free(head);
}
}

// ---- one upload ---------------------------------------------------------------------------------

namespace {

// Of seeds.h.
enum { kOwn = 0, kCompany = 3, kP384 = 5, kRsa = 6, kDeep = 7 };
enum { kOwnAnchorIndex = 0, kRsaAnchorIndex = 3 };

const char kPassword[] = "open sesame";

class Zeros final : public secureota::RandomSource {
 public:
  void fill(uint8_t* out, size_t size) override { memset(out, 0, size); }
};

std::string hexDigest(DigestAlgorithm algorithm, const std::string& text) {
  uint8_t hash[secureota::kMaxDigestSize];
  char digits[2 * secureota::kMaxDigestSize];
  const Bytes bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  CHECK_ERROR(secureota::digest(algorithm, bytes, hash), Error::None);
  secureota::formatHex(Bytes(hash, secureota::digestSize(algorithm)), digits);
  return std::string(digits, 2 * secureota::digestSize(algorithm));
}

// A device that a container is sent to, from the invitation to the verdict.
class Desk {
 public:
  Desk(const Seed& seed, bool password, bool forged = false)
      : asksForPassword_(password),
        buffer_(secureota::kMaxTokenSize),
        flash_(&journal_),
        store_(&journal_),
        listener_(&journal_) {
    for (const SeedAnchor& anchor : kSeedAnchors) {
      CHECK_ERROR(anchors_.add(Bytes(anchor.der, anchor.size)), Error::None);
    }
    CHECK_ERROR(password_.set(password ? kPassword : nullptr), Error::None);
    Buffer image(seed.imageSize);
    for (size_t i = 0; i < image.size(); ++i) {
      image[i] = static_cast<uint8_t>(seed.number + i * 31 + i / 256);
    }
    Buffer token(seed.token, seed.token + seed.tokenSize);
    token.back() ^= static_cast<uint8_t>(forged ? 1 : 0);  // the signature's last octet
    container_ = pretend::containerOf(token, image);
    const std::string all(container_.begin(), container_.end());
    invitation_ = "RedWax/1.00 cmd=0 port=7777 size=" + std::to_string(all.size()) +
                  " md=SHA256 digest=" + hexDigest(DigestAlgorithm::Sha256, all) + "\n";
    answer_ = answerToZeros();
    secureota::ReceiverParts parts;
    parts.updater.sink = &flash_;
    parts.updater.floor = &floor_;
    parts.updater.anchors = &anchors_;
    parts.updater.rules = &rules_;
    parts.updater.listener = &listener_;
    parts.updater.buffer = buffer_.data();
    parts.updater.bufferSize = buffer_.size();
    parts.updater.runningDigest = nullptr;
    parts.password = &password_;
    parts.random = &zeros_;
    parts.facts = &facts_;
    receiver_.begin(parts);
  }

  // The whole upload. True if it ended with OK and a restart.
  bool upload() {
    journal_.lines.clear();
    store_.record.clear();
    floor_ = secureota::Floor();
    listener_.lastError = Error::None;
    flash_.bootable = false;
    CHECK_ERROR(floor_.begin(&store_, secureota::kNoTime), Error::None);
    heap.counts = true;
    Actions actions = datagram(invitation_);
    if (asksForPassword_ && !actions.datagram.empty()) {
      actions = datagram(answer_);
    }
    if (actions.connect) {
      (void)receiver_.onConnected(0);
      (void)receiver_.onStream(pretend::bytesOf(container_), 0);
      actions = receiver_.onStreamClosed();
    }
    heap.counts = false;
    return actions.restart;
  }

  Error refusal() const { return listener_.lastError; }
  bool isAtRest() const { return !receiver_.busy(); }
  bool bootable() const { return flash_.bootable; }

 private:
  Actions datagram(const std::string& text) {
    const Bytes bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size());
    return receiver_.onDatagram(bytes, secureota::Endpoint(), 0);
  }

  // The nonce is zeros, too.
  static std::string answerToZeros() {
    const std::string cnonce(secureota::kLongNonceSize, 'c');
    const std::string salt = std::string(secureota::kLongNonceSize, '0') + ":" + cnonce;
    const std::string hash = hexDigest(DigestAlgorithm::Sha256, kPassword);
    const auto bytes = [](const std::string& text) {
      return Bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size());
    };
    uint8_t key[secureota::kSha256Size];
    char digits[2 * secureota::kSha256Size];
    CHECK_ERROR(secureota::pbkdf2Sha256(bytes(hash), bytes(salt), secureota::kPasswordRounds, key),
                Error::None);
    secureota::formatHex(Bytes(key, sizeof key), digits);
    const std::string stretched(digits, sizeof digits);
    return "200 " + cnonce + " " + hexDigest(DigestAlgorithm::Sha256, stretched + ":" + salt) +
           "\n";
  }

  const bool asksForPassword_;
  Buffer container_;
  std::string invitation_;
  std::string answer_;
  Buffer buffer_;
  pretend::Journal journal_;
  pretend::Flash flash_;
  pretend::Store store_;
  pretend::Listener listener_;
  secureota::TrustStore anchors_;
  secureota::Rules rules_;
  secureota::Floor floor_;
  secureota::Password password_;
  Zeros zeros_;
  pretend::Facts facts_;
  Receiver receiver_;
};

// ---- the stack ----------------------------------------------------------------------------------

const size_t kStackSize = 256 * 1024;
const uint8_t kPaint = 0xa5;
uint8_t stack[kStackSize] __attribute__((aligned(4096)));

void* uploadOnce(void* desk) {
  return desk == nullptr || static_cast<Desk*>(desk)->upload() ? desk : nullptr;
}

// Bytes of a painted stack that a thread has written to.
size_t stackOf(Desk* desk) {
  memset(stack, kPaint, sizeof stack);
  pthread_attr_t attributes;
  pthread_t thread;
  void* result = nullptr;
  CHECK(pthread_attr_init(&attributes) == 0);
  CHECK(pthread_attr_setstack(&attributes, stack, sizeof stack) == 0);
  CHECK(pthread_create(&thread, &attributes, uploadOnce, desk) == 0);
  CHECK(pthread_join(thread, &result) == 0);
  CHECK(result == desk);
  CHECK(pthread_attr_destroy(&attributes) == 0);
  size_t untouched = 0;
  while (untouched < sizeof stack && stack[untouched] == kPaint) {
    ++untouched;
  }
  return sizeof stack - untouched;
}

// ---- the tests ----------------------------------------------------------------------------------

struct Tally {
  unsigned long starved;
  unsigned long didWithout;
  unsigned long forgeries;
};

void fail(Failing how, unsigned long at) {
  heap.allocations = 0;
  heap.failing = how;
  heap.failAt = at;
}

void starveOnce(Desk* desk, Failing how, unsigned long at, Tally* tally) {
  fail(how, at);
  const bool accepted = desk->upload();
  fail(Failing::None, 0);
  ++tally->starved;
  if (accepted && how == Failing::One) {
    ++tally->didWithout;
  } else {
    CHECK(!accepted && !desk->bootable());
    CHECK_ERROR(desk->refusal(), Error::OutOfMemory);
  }
  CHECK(desk->isAtRest());
  CHECK(heap.blocks == 0);
}

void forgeOnce(Desk* forger, unsigned long at, Tally* tally) {
  fail(Failing::One, at);
  CHECK(!forger->upload() && !forger->bootable());
  fail(Failing::None, 0);
  CHECK(heap.blocks == 0);
  ++tally->forgeries;
}

void starve(const char* name, const Seed& seed, bool password, unsigned long step) {
  Desk desk(seed, password);
  Desk forger(seed, password, true);
  heap.most = 0;
  fail(Failing::None, 0);
  CHECK(desk.upload());
  const unsigned long allocations = heap.allocations;
  const size_t most = heap.most;
  CHECK(allocations != 0 && heap.blocks == 0);
  CHECK(!forger.upload());
  CHECK_ERROR(forger.refusal(), Error::SignatureInvalid);
  Tally tally = {0, 0, 0};
  for (unsigned long at = 1; at <= allocations; at += step) {
    starveOnce(&desk, Failing::One, at, &tally);
    starveOnce(&desk, Failing::AllFrom, at, &tally);
    CHECK(desk.upload() && desk.bootable());  // memory is back
    forgeOnce(&forger, at, &tally);
  }
  const size_t used = stackOf(&desk) - stackOf(nullptr);
  printf(
      "%s: %lu allocations, at most %zu bytes of heap and %zu of stack; starved %lu times "
      "(did without %lu times), %lu forgeries\n",
      name, allocations, most, used, tally.starved, tally.didWithout, tally.forgeries);
}

// A signature that would pass if the provider forgot, for want of memory, to compute: the padded
// digest itself for RSA; one for r and s.
void forgeWithoutComputing(const char* name, size_t anchor, const Buffer& signature) {
  secureota::TrustStore anchors;
  CHECK_ERROR(anchors.add(Bytes(kSeedAnchors[anchor].der, kSeedAnchors[anchor].size)), Error::None);
  const uint8_t digest[secureota::kSha256Size] = {1, 2, 3};
  unsigned long at = 0;
  do {
    fail(Failing::One, ++at);
    heap.counts = true;
    const Error error =
        secureota::verifySignature(anchors[0].subjectPublicKeyInfo, DigestAlgorithm::Sha256,
                                   Bytes(digest, sizeof digest), pretend::bytesOf(signature));
    heap.counts = false;
    CHECK(error == Error::OutOfMemory || error == Error::SignatureInvalid);
    CHECK(heap.blocks == 0);
  } while (heap.allocations >= at);  // the last one that fails was still asked for
  fail(Failing::None, 0);
  printf("%s: %lu forgeries without computing\n", name, at - 1);
}

Buffer paddedDigest() {
  static const uint8_t kDigestInfo[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                        0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
  const uint8_t digest[secureota::kSha256Size] = {1, 2, 3};
  Buffer padded(256, 0xff);  // of RSA-2048 (RFC 8017 9.2)
  padded[0] = 0;
  padded[1] = 1;
  uint8_t* const end = padded.data() + padded.size();
  memcpy(end - sizeof digest, digest, sizeof digest);
  memcpy(end - sizeof digest - sizeof kDigestInfo, kDigestInfo, sizeof kDigestInfo);
  end[-static_cast<ptrdiff_t>(sizeof digest + sizeof kDigestInfo) - 1] = 0;
  return padded;
}

}  // namespace

int main(int argc, char** argv) {
  const unsigned long step = argc > 1 ? strtoul(argv[1], nullptr, 10) : 1;
  if (step == 0) {
    fprintf(stderr, "usage: starvation [step]\n");
    return 2;
  }
  // Hundreds of thousands of allocations differ little: the longest chain is sampled.
  starve("RSA-2048, chain of three", kSeeds[kRsa], false, 1);
  starve("P-256, alone", kSeeds[kOwn], false, step);
  starve("P-256, chain of three", kSeeds[kCompany], false, step);
  starve("P-384, alone", kSeeds[kP384], false, step);
  starve("mixed, chain of eight", kSeeds[kDeep], false, 20 * step);
  starve("P-256, with a password", kSeeds[kOwn], true, 5 * step);
  forgeWithoutComputing("RSA-2048", kRsaAnchorIndex, paddedDigest());
  forgeWithoutComputing("P-256", kOwnAnchorIndex, Buffer({0x30, 6, 2, 1, 1, 2, 1, 1}));
  return secureota_test::report();
}
