// What a run is to work on, as QEMU's loader put it into RAM (bench/rv32.py writes it).
#pragma once

#include "secureota/policies.h"
#include "secureota/verifier.h"

// One container, and what to judge it by. All views are of the batch.
class Case {
 public:
  secureota::Rules rules;
  secureota::Bytes container;

  size_t anchorCount() const { return anchorCount_; }
  secureota::Bytes anchor(size_t i) const { return anchors_[i]; }

 private:
  friend class Batch;

  static const size_t kMaxAnchors = secureota::TrustStore::kMaxAnchors;
  static const size_t kMaxDenied = 8;

  secureota::Bytes anchors_[kMaxAnchors];
  size_t anchorCount_;
  secureota::PolicySet policies_;
  uint8_t denied_[kMaxDenied][secureota::kSha256Size];
};

class Batch {
 public:
  Batch();

  // How often each case is to be judged.
  uint32_t rounds() const { return rounds_; }

  // False: that was all.
  bool next(Case* out);

 private:
  uint32_t number();
  secureota::Bytes blob();
  secureota::Time time();

  const uint8_t* at_;
  uint32_t left_;  // cases
  uint32_t rounds_;
};
