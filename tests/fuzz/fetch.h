// One device that fetches its updates, the web server that it asks, and what every call promises.
#pragma once

#include "http_opinion.h"
#include "secureota/http_pull.h"
#include "target.h"

namespace fuzz {

// Bits of a script's first byte, besides those of target.h.
const uint8_t kFetchesFiles = 1;
const uint8_t kHasFiles = 2;
const uint8_t kKnowsEtag = 16;

class Fetch {
 public:
  // `pieces`: how what the server sends is cut up; 0: not at all, 1: into single bytes.
  Fetch(uint8_t bits, uint8_t flashFails, uint8_t pieces);

  // Another update, after one that is over.
  void begin();

  // ---- what the server sends, over a connection that stands or will stand ----

  void send(const std::string& text);

  // The head of a file, to begin with. `how`, bits: 1 a weak entity tag, 2 none, 4 a length too
  // long, 8 none, 10 chunked, 20 gzip.
  void answer(uint8_t seed, uint8_t how);

  // The head of the part that was asked for. `how`, bits: 1 it begins later, 2 the file is longer,
  // 4 another entity tag, 8 no range, 10 it ends early, 20 no length.
  void part(uint8_t how);

  // Another head, and where it refers to.
  void status(uint8_t which, uint8_t where);

  // So many bytes of the file; the rest; a byte of it changes.
  void stream(size_t size);
  void rest() { stream(file_.size()); }
  void damage(size_t where, uint8_t how);

  // ---- what else happens ----

  void close();    // the connection; or it never came about
  void giveUp();   // it took too long
  void confirm();  // what runs says that it works

  // ---- in the end ----

  // A good file is taken, after whatever came before.
  void goodUpdate();

  // All that was asked, and what came of it.
  const std::string& story() const { return story_; }

 private:
  typedef secureota::HttpPull::Next Next;

  secureota::ImageKind kind() const;
  void hear(secureota::Bytes bytes);
  void expect();
  void follow(Next next);
  void ask();
  void end();

  template <typename Call>
  void call(Call device);

  const uint8_t bits_;
  unsigned random_;
  const bool whole_;
  const bool singly_;
  Target target_;
  secureota::HttpPull pull_;
  HttpOpinion opinion_;
  Next next_;
  bool connected_;
  std::string request_;
  std::string story_;
  Buffer file_;
  size_t sent_;
  unsigned inVain_;           // connections in a row that brought nothing of the file
  unsigned activatedBefore_;  // when the update began
};

}  // namespace fuzz
