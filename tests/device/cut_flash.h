// Flash in memory whose power fails: before, in the middle of, or after any operation.
#pragma once

#include <string>
#include <vector>

#include "check.h"
#include "secureota/port/posix/nor_flash.h"

namespace pretend {

using secureota::Bytes;

// What a cut leaves of the operation that it hits.
enum class Torn {
  Nothing,    // it had not begun
  FirstHalf,  // of its bytes
  LastHalf,
  SomeBits,  // about every second one of those that change
  All,       // it was just over
};
const Torn kEveryTorn[] = {Torn::Nothing, Torn::FirstHalf, Torn::LastHalf, Torn::SomeBits,
                           Torn::All};

class CutFlash final : public secureota::posix::NorFlash {
 public:
  explicit CutFlash(size_t size) : bytes(size, 0), operations(0), cutAt_(-1), off_(false) {}

  // The power fails in the operation with this number, counted from 0 and from now on.
  void cut(int operation, Torn torn) {
    cutAt_ = operation;
    torn_ = torn;
    operations = 0;
  }
  // The power is back.
  void on() {
    cutAt_ = -1;
    operations = 0;
    off_ = false;
  }
  bool isOff() const { return off_; }

  bool erase(uint32_t address, uint32_t size) override {
    CHECK(address % size == 0 && address + size <= bytes.size());
    return change(address, std::vector<uint8_t>(size, 0xff));
  }
  bool program(uint32_t address, Bytes written) override {
    CHECK(address % 256 + written.size <= 256);
    std::vector<uint8_t> after(written.data, written.data + written.size);
    for (size_t i = 0; i < after.size(); ++i) {
      after[i] &= bytes[address + i];
    }
    return change(address, after);
  }
  bool read(uint32_t address, uint8_t* out, size_t size) override {
    if (!off_) {
      memcpy(out, bytes.data() + address, size);
    }
    return !off_;
  }

  std::vector<uint8_t> bytes;
  int operations;  // so far

 private:
  bool change(uint32_t address, std::vector<uint8_t> after) {
    if (off_) {
      return false;
    }
    const bool last = operations++ == cutAt_;
    uint32_t random = static_cast<uint32_t>(cutAt_) * 2654435761U + 1;
    const size_t half = after.size() / 2;
    for (size_t i = 0; i < after.size(); ++i) {
      random = random * 1664525 + 1013904223;
      uint8_t changes = 0xff;
      if (last) {
        changes = torn_ == Torn::All                     ? 0xff
                  : torn_ == Torn::FirstHalf && i < half ? 0xff
                  : torn_ == Torn::LastHalf && i >= half ? 0xff
                  : torn_ == Torn::SomeBits              ? static_cast<uint8_t>(random >> 24)
                                                         : 0;
      }
      uint8_t& byte = bytes[address + i];
      byte = static_cast<uint8_t>((byte & ~changes) | (after[i] & changes));
    }
    off_ = last;
    return !off_;
  }

  int cutAt_;  // -1: never
  Torn torn_;
  bool off_;
};

}  // namespace pretend
