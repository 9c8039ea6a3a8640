// Facts about this firmware that the build compiles in (platformio_secureota/pio.py writes them
// into a source file of its own; facts.cpp has weak defaults for builds without it).
#pragma once

extern "C" {
extern const long long secureota_build_time;               // seconds since 1970, UTC; 0: unknown
extern const unsigned char secureota_trust_anchors[];      // certificates, DER, one after the other
extern const unsigned long secureota_trust_anchors_size;   // bytes
extern const unsigned char secureota_required_policies[];  // OBJECT IDENTIFIERs, DER, likewise
extern const unsigned long secureota_required_policies_size;  // bytes
extern const unsigned char secureota_denied_keys[];  // SHA-256 of SubjectPublicKeyInfos, likewise
extern const unsigned long secureota_denied_keys_size;  // bytes, a multiple of 32
extern const unsigned char secureota_manifest[256];     // what this image says it is (manifest.h)
}
