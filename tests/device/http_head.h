// Heads of HTTP messages for tests: fed in pieces, cut off anywhere, and refused.
#pragma once

#include <string>

#include "check.h"
#include "secureota/http_head.h"
#include "secureota/text.h"

namespace http_head {

using secureota::Bytes;
using secureota::Error;

inline Bytes bytesOf(const std::string& text) {
  return secureota::asBytes(text.data(), text.size());
}

inline std::string textOf(Bytes bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data), bytes.size);
}

// Starts `head` anew with a text, in pieces of `step` bytes, and counts what it took in `taken`.
template <typename Head>
Error feed(const std::string& text, size_t step, Head* head, size_t* taken) {
  head->reset();
  *taken = 0;
  for (size_t at = 0; at < text.size() && !head->complete(); at += step) {
    size_t used = 0;
    SECUREOTA_TRY(head->feed(bytesOf(text.substr(at, step)), &used));
    *taken += used;
  }
  return Error::None;
}

template <typename Head>
Error parse(const std::string& text, Head* head) {
  size_t taken = 0;
  return feed(text, text.size() + 1, head, &taken);
}

// A good head with something behind it, in pieces of every size: `check` is asked each time.
template <typename Head, typename Check>
void wholeInPiecesOfEverySize(const std::string& good, Head* head, Check check) {
  for (size_t step = 1; step <= good.size() + 4; ++step) {
    size_t taken = 0;
    CHECK_ERROR(feed(good + "body", step, head, &taken), Error::None);
    CHECK(head->complete());
    CHECK(taken == good.size());
    check();
  }
}

template <typename Head>
void everyPrefixIsIncomplete(const std::string& good, Head* head) {
  for (size_t size = 0; size < good.size(); ++size) {
    CHECK_ERROR(parse(good.substr(0, size), head), Error::None);
    CHECK(!head->complete());
  }
}

// Refused, also byte for byte.
template <typename Head>
void refuses(const std::string& text, Head* head, Error why = Error::HttpMalformed) {
  size_t taken = 0;
  bool good = CHECK_ERROR(parse(text, head), why);
  good = CHECK_ERROR(feed(text, 1, head, &taken), why) && good;
  if (!good) {
    printf("    %s\n", text.substr(0, 100).c_str());
  }
}

}  // namespace http_head
