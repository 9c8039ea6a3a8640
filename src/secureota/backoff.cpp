#include "backoff.h"

namespace secureota {

// Its index, or count_.
size_t Backoff::find(const Endpoint& source) const {
  size_t i = 0;
  while (i < count_ && !sources_[i].endpoint.sameAddress(source)) {
    ++i;
  }
  return i;
}

bool Backoff::holds(const Endpoint& source) const {
  const size_t i = find(source);
  return i < count_ && sources_[i].waits;
}

void Backoff::failed(const Endpoint& source, uint32_t now) {
  uint32_t wait = kFirstWait;
  const size_t i = find(source);
  if (i < count_) {
    wait = sources_[i].wait < kLongestWait / 2 ? 2 * sources_[i].wait : kLongestWait;
    remove(i);
  } else if (count_ == kSources) {
    remove(0);
  }
  Source& last = sources_[count_++];
  last.endpoint = source;
  last.wait = wait;
  last.since = now;
  last.waits = true;
}

void Backoff::succeeded(const Endpoint& source) {
  const size_t i = find(source);
  if (i < count_) {
    remove(i);
  }
}

void Backoff::tick(uint32_t now) {
  for (size_t i = 0; i < count_; ++i) {
    sources_[i].waits = sources_[i].waits && now - sources_[i].since < sources_[i].wait;
  }
}

void Backoff::remove(size_t index) {
  --count_;
  for (size_t i = index; i < count_; ++i) {
    sources_[i] = sources_[i + 1];
  }
}

}  // namespace secureota
