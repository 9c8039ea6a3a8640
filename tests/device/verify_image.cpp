// verify-image: the device's verifier as a command. Exit 0: accepted, 1: refused, 2: could not
// judge.
//
// The options are those of `secureota verify`; the last line of output is the verdict. With
// --tokens it judges bare TimeStampResps from standard input instead, as many as there are, each
// preceded by its size in four octets, most significant first; a line of output for each.

#include <stdio.h>

#include "judge_container.h"
#include "secureota/policies.h"
#include "secureota/port/posix/files.h"
#include "secureota/port/posix/pem.h"
#include "secureota/text.h"
#include "secureota/time_text.h"
#include "secureota/verifier.h"

namespace {

using namespace secureota;

const int kAccepted = 0;
const int kRefused = 1;
const int kCouldNotJudge = 2;
const size_t kMaxDenied = 64;
const size_t kMaxAnchorFiles = TrustStore::kMaxAnchors + 1;

const char kUsage[] =
    "usage: verify-image [--anchor FILE]... [--not-before TIME] [--now TIME] [--policy OID]...\n"
    "                    [--deny SPKI-SHA256]... [--require-ess-v2] IMAGE|--tokens\n";

struct Request {
  std::string anchorFiles[kMaxAnchorFiles];
  TrustStore anchors;
  Rules rules;
  PolicySet policies;
  uint8_t denied[kMaxDenied][kSha256Size];
  const char* image;
  bool tokens;
};

bool complain(const char* what, const char* value) {
  fprintf(stderr, "verify-image: %s: %s\n", what, value);
  return false;
}

// RFC 3339, in UTC or with an offset, fractions allowed: 2026-11-23T21:05:00Z.
bool parseTime(const char* text, Time* out) {
  int parts[6];
  int used = 0;
  if (sscanf(text, "%4d-%2d-%2d%*1[Tt ]%2d:%2d:%2d%n", &parts[0], &parts[1], &parts[2], &parts[3],
             &parts[4], &parts[5], &used) != 6 ||
      used != 19) {
    return false;
  }
  char digits[32];
  snprintf(digits, sizeof digits, "%04d%02d%02d%02d%02d%02d", parts[0], parts[1], parts[2],
           parts[3], parts[4], parts[5]);
  if (!parseCalendarTime(reinterpret_cast<const uint8_t*>(digits), out)) {
    return false;
  }
  const char* at = text + used;
  if (*at == '.') {
    Time unit = kSecond;
    for (++at; *at >= '0' && *at <= '9'; ++at) {
      unit /= 10;
      *out += (*at - '0') * unit;
    }
  }
  int hours = 0;
  int minutes = 0;
  char sign[2] = {};  // one character and the NUL that sscanf puts behind it
  if (strcmp(at, "Z") == 0 || strcmp(at, "z") == 0) {
    return true;
  }
  if (sscanf(at, "%1[+-]%2d:%2d%n", sign, &hours, &minutes, &used) != 3 || at[used] != 0) {
    return false;
  }
  const Time offset = (static_cast<Time>(hours) * 60 + minutes) * 60 * kSecond;
  *out += sign[0] == '-' ? offset : -offset;
  return true;
}

Bytes view(const std::string& text) {
  return Bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

bool addAnchors(const char* path, Request* request) {
  std::string file;
  if (!posix::readFile(path, &file)) {
    return complain("can't be read", path);
  }
  // The store holds views of the certificates, for as long as the program runs.
  std::string& certificates = request->anchorFiles[request->anchors.count()];
  certificates = posix::certificatesOf(file);
  if (certificates.empty()) {
    return complain("there is no certificate in the file", path);
  }
  const Error error = request->anchors.addAll(view(certificates));
  return error == Error::None || complain(errorSentence(error), path);
}

bool parseOption(const char* name, const char* value, Request* request) {
  if (strcmp(name, "--anchor") == 0) {
    return addAnchors(value, request);
  }
  if (strcmp(name, "--not-before") == 0) {
    return parseTime(value, &request->rules.notBefore) || complain("not a time", value);
  }
  if (strcmp(name, "--now") == 0) {
    return parseTime(value, &request->rules.now) || complain("not a time", value);
  }
  if (strcmp(name, "--policy") == 0) {
    return request->policies.add(value) == Error::None || complain("not a policy", value);
  }
  if (strcmp(name, "--deny") == 0) {
    uint8_t* const hash = request->denied[request->rules.deniedCount];
    if (request->rules.deniedCount == kMaxDenied || !parseHex(asBytes(value), hash, kSha256Size)) {
      return complain("not a SHA-256 in hexadecimal", value);
    }
    ++request->rules.deniedCount;
    return true;
  }
  return complain("unknown option", name);
}

bool parseArguments(int argc, char** argv, Request* request) {
  for (int i = 1; i < argc; ++i) {
    const char* const argument = argv[i];
    if (strcmp(argument, "--require-ess-v2") == 0) {
      request->rules.requireEssV2 = true;
    } else if (strcmp(argument, "--tokens") == 0) {
      request->tokens = true;
    } else if (strncmp(argument, "--", 2) == 0) {
      if (i + 1 == argc) {
        return complain("a value is missing", argument);
      }
      if (!parseOption(argument, argv[++i], request)) {
        return false;
      }
    } else if (request->image != nullptr) {
      return complain("more than one image", argument);
    } else {
      request->image = argument;
    }
  }
  request->rules.policies = request->policies.policies();
  request->rules.policyCount = request->policies.count();
  request->rules.denied = request->denied;
  if ((request->image == nullptr) != request->tokens) {
    fputs(kUsage, stderr);
    return false;
  }
  return true;
}

int verdict(Error error, const VerifiedToken& token) {
  if (error == Error::None) {
    char time[kTimeTextSize];
    formatTime(token.genTime, time);
    printf("accepted: signed at %s\n", time);
    return kAccepted;
  }
  printf("refused: %s %s\n", errorName(error), errorSentence(error));
  return error == Error::OutOfMemory ? kCouldNotJudge : kRefused;
}

int judgeTokens(const Request& request) {
  static uint8_t token[1 << 20];
  uint8_t prefix[4];
  while (fread(prefix, 1, sizeof prefix, stdin) == sizeof prefix) {
    const size_t size = static_cast<size_t>(prefix[0]) << 24 |
                        static_cast<size_t>(prefix[1]) << 16 | static_cast<size_t>(prefix[2]) << 8 |
                        prefix[3];
    if (size > sizeof token || fread(token, 1, size, stdin) != size) {
      complain("cut short", "standard input");
      return kCouldNotJudge;
    }
    VerifiedToken verified;
    verdict(judgeToken(Bytes(token, size), request.anchors, request.rules, &verified), verified);
  }
  return kAccepted;
}

}  // namespace

int main(int argc, char** argv) {
  static Request request;
  if (!parseArguments(argc, argv, &request)) {
    return kCouldNotJudge;
  }
  if (request.tokens) {
    return judgeTokens(request);
  }
  std::string container;
  if (!posix::readFile(request.image, &container)) {
    complain("can't be read", request.image);
    return kCouldNotJudge;
  }
  VerifiedToken token;
  return verdict(judgeContainer(view(container), request.anchors, request.rules, &token), token);
}
