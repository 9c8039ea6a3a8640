// A script of what visitors do to a device's upload page. Four bytes of settings:
//
//   0  bits: 01 a password is asked for, 02 there is a place for a filesystem, 04 no anchors, 08
//   the
//      first seed's image runs already, 20 what runs is on trial
//   1  the call of the cryptography that finds no memory; 0: none
//   2  the operation of the flash that fails; 0: none
//   3  how what comes is cut into pieces: 0 not at all, 1 into single bytes
//
// and then events, each a byte (modulo their number) with its arguments: see Event.
//
// Promised of every script: an upload is begun only from the device's own page, and with the
// password where there is one; a nonce costs one computation; flash is open only during an upload,
// for a token that was accepted, and never while what runs is on trial; a visitor gets one answer,
// well-formed and as long as it says, and "OK" means that the new image boots or runs already;
// nothing is allocated; pieces of every size come to the same answers; time alone ends every visit,
// and who has left, has left nothing open; and then a good upload is taken.

#include "meter.h"
#include "script.h"
#include "visits.h"

namespace {

enum class Event : uint8_t {
  Visitor,  // from
  Text,     // size, bytes: these
  Get,      // which
  Upload,   // seed, how, proof
  Stream,   // size: so many pieces of 8 bytes of the container
  Rest,
  Damage,  // where, how
  Close,
  Take,      // size
  Tick,      // tenths of a second
  LongTick,  // tens of seconds
  Occupy,
  Confirm,
};
const unsigned kEvents = 13;

void play(Event event, fuzz::Script* script, fuzz::Visits* visits) {
  switch (event) {
    case Event::Visitor:
      return visits->visitor(script->take());
    case Event::Text:
      return visits->send(fuzz::textOf(script->takeBytes(script->take())));
    case Event::Get:
      return visits->get(script->take());
    case Event::Upload: {
      const uint8_t seed = script->take();
      const uint8_t how = script->take();
      return visits->upload(seed, how, script->take());
    }
    case Event::Stream:
      return visits->stream(8 * size_t(script->take()) + 1);
    case Event::Rest:
      return visits->rest();
    case Event::Damage: {
      const size_t where = 16 * size_t(script->take());
      return visits->damage(where, script->take());
    }
    case Event::Close:
      return visits->close();
    case Event::Take:
      return visits->take(script->take());
    case Event::Tick:
      visits->wait(100u * script->take());
      return visits->tick();
    case Event::LongTick:
      visits->wait(10000u * script->take());
      return visits->tick();
    case Event::Occupy:
      return visits->occupy();
    case Event::Confirm:
      return visits->confirm();
  }
}

std::string play(const uint8_t* settings, uint8_t pieces, fuzz::Script script) {
  fuzz::Visits visits(settings[0], settings[2], pieces);
  fuzz::failProviderAt(settings[1]);
  for (unsigned events = 0; events < 100 && !script.atEnd(); ++events) {
    visits.wait(1);
    play(static_cast<Event>(script.take() % kEvents), &script, &visits);
  }
  fuzz::failProviderAt(0);
  visits.settle();
  visits.goodUpload();
  return visits.story();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const size_t settings = 4;
  if (size < settings) {
    return 0;
  }
  const fuzz::Pause harness;
  const fuzz::Script script(secureota::Bytes(data + settings, size - settings));
  const std::string story = play(data, data[3], script);
  // Where something fails, it fails at another byte when the pieces are others.
  if (data[3] != 0 && data[1] == 0 && data[2] == 0) {
    PROPERTY(play(data, 0, script) == story, "pieces of every size come to the same");
  }
  return 0;
}
