#include "facts.h"

// A device that was built without facts has no anchor and accepts nothing.
#define SECUREOTA_DEFAULT __attribute__((weak))

extern "C" {
SECUREOTA_DEFAULT extern const long long secureota_build_time = 0;
SECUREOTA_DEFAULT extern const unsigned char secureota_trust_anchors[] = {0};
SECUREOTA_DEFAULT extern const unsigned long secureota_trust_anchors_size = 0;
SECUREOTA_DEFAULT extern const unsigned char secureota_required_policies[] = {0};
SECUREOTA_DEFAULT extern const unsigned long secureota_required_policies_size = 0;
SECUREOTA_DEFAULT extern const unsigned char secureota_denied_keys[] = {0};
SECUREOTA_DEFAULT extern const unsigned long secureota_denied_keys_size = 0;
SECUREOTA_DEFAULT extern const unsigned char secureota_manifest[256] = {0};
}
