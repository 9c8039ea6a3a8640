#include "world.h"

#include <algorithm>

#include "crypto_mode.h"
#include "property.h"
#include "repair.h"

namespace fuzz {

using secureota::Bytes;
using secureota::Error;
using secureota::TrustStore;

void anchorsOf(unsigned bits, TrustStore* out) {
  for (size_t i = 0; i < sizeof kSeedAnchors / sizeof kSeedAnchors[0]; ++i) {
    if ((bits >> i & 1) != 0) {
      PROPERTY(out->add(Bytes(kSeedAnchors[i].der, kSeedAnchors[i].size)) == Error::None,
               "the seeds' anchors are anchors");
    }
  }
}

const TrustStore& anchors() {
  static TrustStore all;
  if (all.count() == 0) {
    anchorsOf(~0u, &all);
  }
  return all;
}

Buffer imageOf(const Seed& seed) {
  Buffer image(seed.imageSize);
  for (size_t i = 0; i < image.size(); ++i) {
    image[i] = static_cast<uint8_t>(seed.number + i * 31 + i / 256);
  }
  return image;
}

static Buffer makeContainer(const Seed& seed) {
  const std::string header = "RedWax/1.00 rfc3161=" + std::to_string(seed.tokenSize) +
                             " payload=" + std::to_string(seed.imageSize) + "\n";
  const Buffer image = imageOf(seed);
  Buffer container(header.begin(), header.end());
  container.insert(container.end(), seed.token, seed.token + seed.tokenSize);
  container.insert(container.end(), image.begin(), image.end());
  if (cryptoIsStub()) {
    repairContainer(container.data(), container.size());
  }
  return container;
}

const Buffer& containerOf(size_t seed) {
  static std::vector<Buffer> containers;
  if (containers.empty()) {
    for (const Seed& one : kSeeds) {
      containers.push_back(makeContainer(one));
    }
  }
  return containers[seed];
}

uint8_t* lentBuffer(size_t size) {
  // Not by `new`: harness_heap.cpp hides that from the sanitizer.
  static uint8_t* const whole = static_cast<uint8_t*>(malloc(secureota::kMaxTokenSize));
  PROPERTY(size <= secureota::kMaxTokenSize, "no more is lent than a token may need");
  return whole + secureota::kMaxTokenSize - size;
}

Bytes tokenIn(Bytes container) {
  const std::string head(reinterpret_cast<const char*>(container.data),
                         std::min<size_t>(container.size, 128));
  const size_t newline = head.find('\n');
  const std::string line = head.substr(0, newline);
  size_t at = line.find(" rfc3161=");
  if (newline == std::string::npos || at == std::string::npos) {
    return Bytes();
  }
  uint64_t size = 0;
  for (at += 9; at < line.size() && line[at] >= '0' && line[at] <= '9' && size < 1000000; ++at) {
    size = size * 10 + static_cast<uint64_t>(line[at] - '0');
  }
  const size_t left = container.size - newline - 1;
  return size <= left ? Bytes(container.data + newline + 1, static_cast<size_t>(size)) : Bytes();
}

}  // namespace fuzz
