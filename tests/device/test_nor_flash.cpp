// The emulated device's flash: a file that behaves like NOR, what is erased when, and two copies.
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "check.h"
#include "secureota/port/posix/nor_flash.h"
#include "secureota/port/posix/partition_writer.h"
#include "secureota/port/posix/timed_flash.h"
#include "secureota/port/posix/two_copies.h"

using secureota::Bytes;
using secureota::Error;
using secureota::posix::FileFlash;
using secureota::posix::kBlockSize;
using secureota::posix::kPageSize;
using secureota::posix::kSectorSize;
using secureota::posix::NorFlash;
using secureota::posix::Partition;
using secureota::posix::PartitionWriter;
using secureota::posix::TimedFlash;
using secureota::posix::TwoCopies;

namespace {

class TemporaryFlash {
 public:
  explicit TemporaryFlash(uint32_t size) {
    char path[] = "/tmp/secureota-flash-XXXXXX";
    const int fd = mkstemp(path);
    CHECK(fd >= 0);
    (void)close(fd);
    path_ = path;
    CHECK(flash.open(path_, size));
  }
  ~TemporaryFlash() { (void)unlink(path_.c_str()); }

  std::vector<uint8_t> read(uint32_t address, size_t size) {
    std::vector<uint8_t> bytes(size);
    CHECK(flash.read(address, bytes.data(), size));
    return bytes;
  }

  FileFlash flash;

 private:
  std::string path_;
};

// Remembers what was erased.
class Watched final : public NorFlash {
 public:
  explicit Watched(NorFlash* flash) : flash_(flash) {}
  bool erase(uint32_t address, uint32_t size) override {
    CHECK(address % size == 0);
    erased.push_back(size);
    return flash_->erase(address, size);
  }
  bool program(uint32_t address, Bytes bytes) override { return flash_->program(address, bytes); }
  bool read(uint32_t address, uint8_t* out, size_t size) override {
    return flash_->read(address, out, size);
  }
  std::vector<uint32_t> erased;

 private:
  NorFlash* flash_;
};

void bitsOnlyFallUntilTheyAreErased() {
  TemporaryFlash file(2 * kBlockSize);
  const uint8_t ones[] = {0xff, 0xff};
  CHECK(file.flash.program(10, Bytes(ones, 2)));
  CHECK(file.read(10, 2) == std::vector<uint8_t>({0, 0}));  // never erased
  CHECK(file.flash.erase(0, kSectorSize));
  CHECK(file.read(0, kSectorSize) == std::vector<uint8_t>(kSectorSize, 0xff));
  CHECK(file.read(kSectorSize, 1)[0] == 0);
  const uint8_t first[] = {0xf0, 0x55};
  const uint8_t second[] = {0x3c, 0xff};
  CHECK(file.flash.program(10, Bytes(first, 2)));
  CHECK(file.flash.program(10, Bytes(second, 2)));
  CHECK(file.read(10, 2) == std::vector<uint8_t>({0x30, 0x55}));
  CHECK(!file.flash.program(kPageSize - 1, Bytes(first, 2)));  // over a page's end
  CHECK(file.flash.erase(kBlockSize, kBlockSize));
  CHECK(file.read(2 * kBlockSize - 1, 1)[0] == 0xff);
  uint8_t byte;
  CHECK(!file.flash.read(2 * kBlockSize, &byte, 1));
}

void erasesAsItGoesAndNoMoreThanItNeeds() {
  const struct {
    uint32_t offset, size;
    std::vector<uint32_t> erased;
  } kCases[] = {
      {0, 1, {kSectorSize}},
      {0, kSectorSize, {kSectorSize}},
      {0, kBlockSize, {kBlockSize}},
      {0, kBlockSize + 1, {kBlockSize, kSectorSize}},
      {0, kBlockSize - kSectorSize + 1, {kBlockSize}},  // as many sectors
      {kBlockSize - kSectorSize, kBlockSize, std::vector<uint32_t>(16, kSectorSize)},
      {kBlockSize - kSectorSize, kBlockSize + 1, {kSectorSize, kBlockSize}},
  };
  for (const auto& each : kCases) {
    TemporaryFlash file(4 * kBlockSize);
    Watched flash(&file.flash);
    const Partition partition = {each.offset, 2 * kBlockSize};
    std::vector<uint8_t> image(each.size);
    for (size_t i = 0; i < image.size(); ++i) {
      image[i] = static_cast<uint8_t>(i * 7 + i / 256);
    }
    PartitionWriter writer;
    writer.begin(&flash, partition, each.size);
    CHECK(flash.erased.empty());
    CHECK(writer.eraseAhead() && flash.erased.size() == 1);
    for (size_t at = 0; at < image.size();) {  // pieces of any size
      const size_t piece = at % 3 == 0 ? 1 : at % 1000;
      const size_t take = piece < image.size() - at ? piece : image.size() - at;
      CHECK_ERROR(writer.write(Bytes(image.data() + at, take)), Error::None);
      at += take;
    }
    const uint8_t more = 0;
    CHECK_ERROR(writer.write(Bytes(&more, 1)), Error::FlashWriteFailed);
    CHECK_ERROR(writer.flush(), Error::None);
    CHECK(!writer.eraseAhead());
    CHECK(file.read(each.offset, image.size()) == image);
    CHECK(flash.erased == each.erased);
  }
}

uint64_t microseconds() {
  timespec now;
  CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
  return static_cast<uint64_t>(now.tv_sec) * 1000000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

void takesAtLeastTheTimeOfAChip() {
  TemporaryFlash file(kBlockSize);
  TimedFlash flash(&file.flash);
  const uint8_t byte = 0;
  CHECK(flash.erase(0, kSectorSize) && flash.program(0, Bytes(&byte, 1)));
  flash.enable();
  const uint64_t start = microseconds();
  CHECK(flash.erase(0, kSectorSize));
  CHECK(microseconds() - start >= 45000);
  for (uint64_t pages = 1; pages <= 30; ++pages) {
    CHECK(flash.program(0, Bytes(&byte, 1)));
    CHECK(microseconds() - start >= 45000 + pages * 700);
  }
}

void twoCopiesTakeTurns() {
  TemporaryFlash file(kBlockSize);
  TwoCopies copies(&file.flash, Partition{0, 2 * kSectorSize});
  uint8_t out[TwoCopies::kMaxSize];
  CHECK(copies.load(out, sizeof out) == 0);
  for (uint8_t round = 1; round < 10; ++round) {
    const std::vector<uint8_t> bytes(100U * round, round);
    CHECK_ERROR(copies.save(Bytes(bytes.data(), bytes.size())), Error::None);
    CHECK(copies.load(out, sizeof out) == bytes.size() &&
          memcmp(out, bytes.data(), bytes.size()) == 0);
  }
  CHECK(copies.load(out, 5) == 5);
  for (uint32_t sector = 0; sector < 2 * kSectorSize; sector += kSectorSize) {
    const std::vector<uint8_t> before = file.read(sector, kSectorSize);
    for (uint32_t byte = 0; byte < 912; byte += 7) {  // whatever is damaged, the other is as new
      const uint8_t zero = 0;
      CHECK(file.flash.program(sector + byte, Bytes(&zero, 1)));
      CHECK(copies.load(out, sizeof out) == 900 && out[0] == 9);
      CHECK(file.flash.erase(sector, kSectorSize));
      for (uint32_t at = 0; at < kSectorSize; at += kPageSize) {
        CHECK(file.flash.program(sector + at, Bytes(before.data() + at, kPageSize)));
      }
    }
  }
  CHECK_ERROR(copies.save(Bytes()), Error::FlashWriteFailed);
  const std::vector<uint8_t> tooMuch(TwoCopies::kMaxSize + 1);
  CHECK_ERROR(copies.save(Bytes(tooMuch.data(), tooMuch.size())), Error::FlashWriteFailed);
}

}  // namespace

int main() {
  bitsOnlyFallUntilTheyAreErased();
  erasesAsItGoesAndNoMoreThanItNeeds();
  takesAtLeastTheTimeOfAChip();
  twoCopiesTakeTurns();
  return secureota_test::report();
}
