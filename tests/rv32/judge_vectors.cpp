// The corpus on a 32-bit RISC-V: a line for each case, `accepted` or the name of the Reason.

#include "batch.h"
#include "board.h"
#include "device/judge_container.h"

namespace {

secureota::Error judge(const Case& one) {
  secureota::TrustStore anchors;
  for (size_t i = 0; i < one.anchorCount(); ++i) {
    if (anchors.add(one.anchor(i)) != secureota::Error::None) {
      giveUp("not an anchor");
    }
  }
  secureota::VerifiedToken token;
  return judgeContainer(one.container, anchors, one.rules, &token);
}

}  // namespace

int main() {
  Batch batch;
  static Case one;
  while (batch.next(&one)) {
    const secureota::Error error = judge(one);
    say(error == secureota::Error::None ? "accepted" : secureota::errorName(error));
    say("\n");
  }
  return 0;
}
