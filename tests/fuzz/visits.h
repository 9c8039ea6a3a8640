// One device with an upload page, its visitors, and what every call to its server promises.
#pragma once

#include "host.h"
#include "secureota/web_receiver.h"
#include "target.h"

namespace fuzz {

// Bits of a script's first byte, besides those of target.h.
const uint8_t kPageAsksPassword = 1;
const uint8_t kPageHasFiles = 2;

class Visits {
 public:
  // `pieces`: how what a visitor sends is cut up; 0: not at all, 1: into single bytes.
  Visits(uint8_t bits, uint8_t flashFails, uint8_t pieces);

  // ---- what visitors do ----

  // The one who was there leaves, and somebody comes.
  void visitor(uint8_t from);

  void send(const std::string& text);

  // GET of one of some paths.
  void get(uint8_t which);

  // The head of an upload. `how`, bits: 1 a filesystem, 2 another site's page, 4 no kind, 8 a
  // length too long, 10 it waits for 100, 20 another host's name, 40 no origin, 80 chunked.
  // `proof` modulo 3: none, a wrong one, the right one.
  void upload(uint8_t seed, uint8_t how, uint8_t proof);

  // So many bytes of the container; the rest; a byte of it changes.
  void stream(size_t size);
  void rest() { stream(container_.size()); }
  void damage(size_t where, uint8_t how);

  void close();            // nothing more comes from this one
  void take(size_t size);  // so much of the answer

  // ---- what else happens ----

  void wait(uint32_t milliseconds) { now_ += milliseconds; }
  void tick();
  void occupy();  // another way in has the device, or has it no longer
  void confirm() { target_.confirm(); }

  // ---- in the end ----

  // Nobody does anything any more.
  void settle();

  // A good upload is taken, after whatever came before.
  void goodUpload();

  // All that was answered.
  const std::string& story() const { return story_; }

 private:
  class Door final : public secureota::UpdateDoor {
   public:
    explicit Door(Visits* visits) : occupied(false), lent(false), visits_(visits) {}
    secureota::Error claim(secureota::ImageKind kind, secureota::UpdaterParts* parts) override;
    void release() override;

    bool occupied;
    bool lent;

   private:
    Visits* visits_;
  };

  template <typename Call>
  void call(Call device);
  void begin();
  void hear(secureota::Bytes bytes);
  void expect(secureota::Bytes bytes);
  void leave();
  void judgeAnswer(const std::string& answer);
  bool activatedNow() const { return target_.flash.activated > activatedBefore_; }
  bool hasHead() const { return head_.find("\r\n\r\n") != std::string::npos; }

  const uint8_t bits_;
  unsigned random_;
  const bool whole_;
  const bool singly_;
  uint32_t now_;
  Target target_;
  secureota::Password password_;
  Counter nonces_;
  Door door_;
  secureota::WebReceiver receiver_;
  struct : secureota::UpdateListener {
  } listener_;

  bool visited_;
  secureota::Endpoint from_;
  std::string head_;  // of the request, until it is whole
  Buffer body_;       // what came behind it
  std::string said_;  // of the answer, so far
  unsigned activatedBefore_;
  bool proven_;  // the right answer to a nonce that was this visitor's, and had not served

  std::string nonce_;
  secureota::Endpoint challenged_;
  bool served_;
  unsigned challenges_;
  unsigned passwordChecks_;

  Buffer container_;
  size_t sent_;
  std::string story_;
};

}  // namespace fuzz
