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

// BadInvitation, or WrongImageKind for a command that is no kind of image.
SECUREOTA_NODISCARD Error parseInvitation(Bytes datagram, Invitation* out);

}  // namespace secureota
