// A datagram that asks a device for something: one line of text (docs/format.md, section 3).
//
//     RedWax/1.00 key=value[ key=value ...]\n
//     <number> ...\n
#pragma once

#include "bytes.h"
#include "error.h"

namespace secureota {

// Bytes of the longest datagram that is looked at: a SHA-512 in hexadecimal, the other keys, and
// room for keys of a later version.
const size_t kMaxDatagramSize = 512;

// Commands of the protocol.
const uint32_t kCommandApplication = 0;
const uint32_t kCommandFilesystem = 100;
const uint32_t kCommandAuthenticate = 200;
const uint32_t kCommandStatus = 300;

// Could this datagram be meant for us? Anything else is not even answered, so that two devices
// can't be set to answer each other for ever: what we send never looks like this.
bool looksLikeRequest(Bytes datagram);

// Begins it as the first form does?
bool isRedWaxForm(Bytes datagram);

// Takes the end off a line. BadInvitation where it has none, is too long, or is no text.
SECUREOTA_NODISCARD Error takeLine(Bytes datagram, Bytes* out);

// A key that is looked for, and where its value goes: empty if the key is not there.
struct Wanted {
  const char* key;
  Bytes* value;
};

// Reads a line of the first form. Keys that nobody wants are skipped. BadInvitation for another
// version, and for a wanted key that is there twice or has no value.
SECUREOTA_NODISCARD Error readPairs(Bytes line, const Wanted* wanted, size_t count);

}  // namespace secureota
