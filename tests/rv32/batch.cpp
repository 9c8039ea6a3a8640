#include "batch.h"

#include "board.h"

using secureota::Bytes;

namespace {

const uint8_t* const kWhere = reinterpret_cast<const uint8_t*>(0x80800000);
const uint32_t kMagic = 0x33325652;  // "RV23"

}  // namespace

Batch::Batch() : at_(kWhere), left_(0), rounds_(0) {
  if (number() != kMagic) {
    giveUp("nothing was loaded");
  }
  rounds_ = number();
  left_ = number();
}

bool Batch::next(Case* out) {
  if (left_ == 0) {
    return false;
  }
  --left_;
  out->rules = secureota::Rules();
  out->policies_ = secureota::PolicySet();
  out->anchorCount_ = number();
  if (out->anchorCount_ > Case::kMaxAnchors) {
    giveUp("too many anchors in the batch");
  }
  for (size_t i = 0; i < out->anchorCount_; ++i) {
    out->anchors_[i] = blob();
  }
  out->rules.notBefore = time();
  out->rules.now = time();
  for (uint32_t count = number(); count != 0; --count) {
    // A blob that ends with a NUL.
    if (out->policies_.add(reinterpret_cast<const char*>(blob().data)) != secureota::Error::None) {
      giveUp("not a policy");
    }
  }
  out->rules.policies = out->policies_.policies();
  out->rules.policyCount = out->policies_.count();
  out->rules.deniedCount = number();
  if (out->rules.deniedCount > Case::kMaxDenied) {
    giveUp("too many denied keys in the batch");
  }
  for (size_t i = 0; i < out->rules.deniedCount; ++i) {
    memcpy(out->denied_[i], blob().data, secureota::kSha256Size);
  }
  out->rules.denied = out->denied_;
  out->rules.requireEssV2 = number() != 0;
  out->container = blob();
  return true;
}

// Little-endian, as this machine is, at any address.
uint32_t Batch::number() {
  uint32_t value = 0;
  memcpy(&value, at_, sizeof value);
  at_ += sizeof value;
  return value;
}

Bytes Batch::blob() {
  const size_t size = number();
  const Bytes bytes(at_, size);
  at_ += size;
  return bytes;
}

secureota::Time Batch::time() {
  const uint64_t low = number();
  return static_cast<secureota::Time>(low | static_cast<uint64_t>(number()) << 32);
}
