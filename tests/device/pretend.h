// A device in memory, for tests: flash that can fail, a record store, a listener, and containers
// for the tokens of tokens.h. Everything that happens is written into one journal, in order.
#pragma once

#include <string>
#include <vector>

#include "check.h"
#include "secureota/status.h"
#include "secureota/updater.h"
#include "tokens.h"

namespace pretend {

using secureota::Bytes;
using secureota::Error;
using secureota::ImageKind;

typedef std::vector<uint8_t> Buffer;

inline Bytes bytesOf(const Buffer& buffer) {
  return Bytes(buffer.data(), buffer.size());
}

// The image of make_tokens.py.
inline Buffer image(uint8_t seed) {
  Buffer result(kImageSize);
  for (size_t i = 0; i < result.size(); ++i) {
    result[i] = static_cast<uint8_t>(seed + i * 31 + i / 256);
  }
  return result;
}

inline Buffer join(const std::string& header, const Buffer& token, const Buffer& image) {
  Buffer result(header.begin(), header.end());
  result.insert(result.end(), token.begin(), token.end());
  result.insert(result.end(), image.begin(), image.end());
  return result;
}

inline Buffer containerOf(const Buffer& token, const Buffer& image) {
  const std::string header = "RedWax/1.00 rfc3161=" + std::to_string(token.size()) +
                             " payload=" + std::to_string(image.size()) + "\n";
  return join(header, token, image);
}

template <size_t size>
Buffer tokenOf(const uint8_t (&token)[size]) {
  return Buffer(token, token + size);
}

template <size_t size>
Buffer containerOf(const uint8_t (&token)[size], const Buffer& image) {
  return containerOf(tokenOf(token), image);
}

struct Journal {
  std::vector<std::string> lines;

  // The journal in one line; repetitions of a word once.
  std::string story() const {
    std::string story;
    std::string last;
    for (const std::string& line : lines) {
      if (line != last) {
        story += (story.empty() ? "" : " ") + line;
        last = line;
      }
    }
    return story;
  }
  bool has(const std::string& word) const {
    for (const std::string& line : lines) {
      if (line == word) {
        return true;
      }
    }
    return false;
  }
};

class Flash final : public secureota::ImageSink {
 public:
  explicit Flash(Journal* journal)
      : size(64 * 1024),
        filesystemSize(0),
        failAt(-1),
        flipAfterSeal(-1),
        bootable(false),
        journal_(journal) {}

  size_t capacity(ImageKind kind) override {
    return kind == ImageKind::Application ? size : filesystemSize;
  }

  Error open(ImageKind, size_t) override {
    bootable = false;
    slot.clear();
    return did("open", Error::FlashOpenFailed);
  }
  Error write(Bytes bytes) override {
    slot.insert(slot.end(), bytes.data, bytes.data + bytes.size);
    return did("write", Error::FlashWriteFailed);
  }
  Error seal() override {
    if (flipAfterSeal >= 0) {
      slot[static_cast<size_t>(flipAfterSeal) / 8] ^=
          static_cast<uint8_t>(1 << (flipAfterSeal % 8));
    }
    return did("seal", Error::FlashWriteFailed);
  }
  Error readBack(size_t offset, uint8_t* out, size_t count) override {
    if (offset + count > slot.size()) {
      return Error::FlashReadBackMismatch;
    }
    memcpy(out, slot.data() + offset, count);
    return did("readBack", Error::FlashReadBackMismatch);
  }
  Error activate() override {
    const Error error = did("activate", Error::ActivateFailed);
    bootable = error == Error::None;
    return error;
  }
  void abort() override {
    bootable = false;
    journal_->lines.push_back("abort");
  }

  size_t size;
  size_t filesystemSize;  // 0: there is none
  int failAt;             // the operation, counted from 0, that fails; -1: none
  int flipAfterSeal;      // the bit of the slot that turns over after the last write; -1: none
  Buffer slot;
  bool bootable;

 private:
  Error did(const char* what, Error failure) {
    journal_->lines.push_back(what);
    return failAt >= 0 && failAt-- == 0 ? failure : Error::None;
  }

  Journal* journal_;
};

class Store final : public secureota::RecordStore {
 public:
  explicit Store(Journal* journal) : fails(false), journal_(journal) {}

  size_t load(uint8_t* out, size_t capacity) override {
    const size_t count = record.size() < capacity ? record.size() : capacity;
    if (count != 0) {
      memcpy(out, record.data(), count);
    }
    return count;
  }
  Error save(Bytes bytes) override {
    journal_->lines.push_back("save");
    if (fails) {
      return Error::FlashWriteFailed;
    }
    record.assign(bytes.data, bytes.data + bytes.size);
    return Error::None;
  }

  Buffer record;
  bool fails;

 private:
  Journal* journal_;
};

// What runs was kept, unless a test says otherwise.
class Boot final : public secureota::BootControl {
 public:
  Boot()
      : now(secureota::BootState::Kept), other(false), waits(false), fails(false), gaveUp(false) {}

  secureota::BootState state() override { return now; }
  bool otherGivenUp() override { return other; }
  bool otherWaits() override { return waits; }
  Error keep() override {
    if (fails) {
      return Error::ActivateFailed;
    }
    now = secureota::BootState::Kept;
    return Error::None;
  }
  Error giveUp() override {
    gaveUp = !fails;
    return fails ? Error::ActivateFailed : Error::None;
  }
  void limitTrial(uint32_t) override {}

  secureota::BootState now;
  bool other;  // was given up
  bool waits;  // the other, for the restart
  bool fails;
  bool gaveUp;
};

class Listener final : public secureota::UpdateListener {
 public:
  explicit Listener(Journal* journal) : lastError(Error::None), stage(0), journal_(journal) {}

  void onStart(ImageKind, size_t) override { journal_->lines.push_back("start"); }
  void onActivated(const secureota::VerifiedToken&) override {
    journal_->lines.push_back("activated");
  }
  void onAlreadyRunning(const secureota::VerifiedToken&) override {
    journal_->lines.push_back("alreadyRunning");
  }
  void onRefused(const secureota::Refusal& refusal, Stage at) override {
    journal_->lines.push_back("refused");
    lastError = refusal.why;
    stage = static_cast<int>(at);
  }

  Error lastError;
  int stage;

 private:
  Journal* journal_;
};

class Facts final : public secureota::FactsSource {
 public:
  secureota::DeviceFacts deviceFacts() override { return known; }

  secureota::DeviceFacts known;
};

// A device that trusts the owner, runs image 'A', and whose floor is where kTokenA1 put it.
class Device {
 public:
  Device() : flash(&journal), store(&journal), listener(&journal), buffer(4096) {
    CHECK_ERROR(anchors.add(Bytes(kAnchor, sizeof kAnchor)), Error::None);
    CHECK_ERROR(secureota::digest(secureota::DigestAlgorithm::Sha256, bytesOf(image('A')), running),
                Error::None);
    CHECK_ERROR(floor.begin(&store, kStart + kHour), Error::None);
    CHECK_ERROR(trial.begin(&boot, &floor, running), Error::None);
    journal.lines.clear();
  }

  secureota::UpdaterParts parts() {
    secureota::UpdaterParts parts;
    parts.sink = &flash;
    parts.floor = &floor;
    parts.anchors = &anchors;
    parts.rules = &rules;
    parts.listener = &listener;
    parts.buffer = buffer.data();
    parts.bufferSize = buffer.size();
    parts.runningDigest = running;
    parts.own = nullptr;
    parts.trial = &trial;
    return parts;
  }

  Journal journal;
  Flash flash;
  Store store;
  Listener listener;
  Buffer buffer;
  secureota::TrustStore anchors;
  secureota::Rules rules;
  secureota::Floor floor;
  Boot boot;
  secureota::Trial trial;
  uint8_t running[secureota::kSha256Size];

 private:
  Device(const Device&);
  Device& operator=(const Device&);
};

}  // namespace pretend
