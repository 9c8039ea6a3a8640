// The datagram that asks a device to take an upload (docs/format.md, section 3), in both forms:
//
//     RedWax/1.00 cmd=<c> port=<p> size=<s> md=<DIGEST> digest=<HEX>[ key=value ...]\n
//     <c> <p> <s> <md5-hex>\n                                       (stock ArduinoOTA)
#pragma once

#include "bytes.h"
#include "crypto.h"
#include "error.h"
#include "image_sink.h"

namespace secureota {

// Bytes of the longest datagram that is looked at: a SHA-512 in hexadecimal, the other keys, and
// room for keys of a later version.
const size_t kMaxDatagramSize = 512;

struct Invitation {
  bool stockForm;
  ImageKind kind;
  uint16_t port;                    // TCP port on the inviting host, never 0
  uint32_t size;                    // bytes of everything that will be sent, never 0
  DigestAlgorithm digestAlgorithm;  // of the transport check
  uint8_t digest[kMaxDigestSize];   // over everything that will be sent
  bool asksForMd5Password;          // the stock form, or authmd=MD5
  bool direct;                      // direct=1: the host can connect to us
};

// Commands of the protocol.
const uint32_t kCommandApplication = 0;
const uint32_t kCommandFilesystem = 100;
const uint32_t kCommandAuthenticate = 200;

// Could this datagram be meant for us? Anything else is not even answered, so that two devices
// can't be set to answer each other for ever: what we send never looks like this.
bool looksLikeRequest(Bytes datagram);

// BadInvitation, or WrongImageKind for a command that is no kind of image.
SECUREOTA_NODISCARD Error parseInvitation(Bytes datagram, Invitation* out);

}  // namespace secureota
