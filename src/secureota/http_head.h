// The head of an HTTP/1.1 message (RFC 9112, sections 2 to 5) that arrives in pieces: a first line,
// fields, and an empty line.
//
// As strict as the grammar: lines end with CR LF, names are tokens with the colon right behind
// them, nothing is folded, and of control characters there is the tabulator alone.
#pragma once

#include "bytes.h"
#include "error.h"

namespace secureota {

// Bytes of a whole head. Servers and browsers send a few hundred; those behind a CDN, with all
// their policies and cookies, some thousand.
const size_t kMaxHttpHeadSize = 8192;

// Are these the same word, in letters of either case?
bool isWord(Bytes text, const char* word);

class HttpHead {
 public:
  // Takes bytes up to and including the empty line, counts them in `taken` and leaves the rest to
  // the caller. HttpMalformed, also for a head that is too long.
  SECUREOTA_NODISCARD Error feed(Bytes bytes, size_t* taken);

  // There is a head; feed() takes nothing more.
  bool complete() const { return complete_; }

 protected:
  // `line` holds one line at a time; of a longer one its beginning.
  HttpHead(char* line, size_t capacity);
  ~HttpHead() {}

  // Starts anew.
  void resetHead();

  virtual Error onFirstLine(Bytes line) = 0;

  // `value` is without the spaces around it. `whole`: false where the line was too long to be kept.
  virtual Error onField(Bytes name, Bytes value, bool whole) = 0;

 private:
  SECUREOTA_NODISCARD Error take(uint8_t c);
  SECUREOTA_NODISCARD Error endLine();
  SECUREOTA_NODISCARD Error takeField(Bytes line, bool whole);

  char* line_;
  size_t capacity_;
  size_t lineSize_;
  size_t headSize_;
  bool whole_;    // line_ is
  bool first_;    // the next line is the first one
  bool afterCr_;  // LF must follow
  bool complete_;
};

}  // namespace secureota
