// A second opinion about what a web server has sent: which bytes of it are the file. Written apart
// from the core's reader, and kinder than it: it must see a body wherever the core does.
#pragma once

#include <string>

#include "der_tree.h"

namespace fuzz {

class HttpOpinion {
 public:
  HttpOpinion() { connection(); }

  // A new connection stands.
  void connection();

  // Another update begins.
  void forget() { file_.clear(); }

  void hear(secureota::Bytes bytes);

  // What came of the file, over all connections since it last began from its beginning.
  const Buffer& file() const { return file_; }

  // It has just done so.
  bool began() const { return began_; }

  // Of the last head; 0: there was none.
  unsigned status() const { return status_; }

 private:
  void judge();
  std::string field(const char* name) const;

  std::string head_;
  bool inBody_;
  bool began_;
  uint64_t left_;
  unsigned status_;
  Buffer file_;
};

}  // namespace fuzz
