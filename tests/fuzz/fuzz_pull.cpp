// A script of what a web server sends to a device that fetches an update. Four bytes of settings:
//
//   0  bits: 01 a filesystem is fetched, 02 there is a place for one, 04 no anchors, 08 the first
//      seed's image runs already, 10 an entity tag is known from before, 20 what runs is on trial
//   1  the call of the cryptography that finds no memory; 0: none
//   2  the operation of the flash that fails; 0: none
//   3  how what comes is cut into pieces: 0 not at all, 1 into single bytes
//
// and then events, each a byte (modulo their number) with its arguments: see Event.
//
// Promised of every script: a request has the lines that it may have, whatever a server wrote into
// entity tags and addresses; flash is opened only for a token that was accepted, and never while
// what runs is on trial; Updated means that what was signed boots, and everything else that nothing
// does; nothing is new where the server says so to who asks, or a good token does; a server that
// brings nothing is not asked for ever; nothing is allocated; pieces of every size come to the same
// requests and the same end; and then a good file is taken.

#include "fetch.h"
#include "host.h"
#include "meter.h"
#include "script.h"

namespace {

enum class Event : uint8_t {
  Text,    // size, bytes: these
  Answer,  // seed, how
  Part,    // how
  Status,  // which, where
  Stream,  // size: so many pieces of 8 bytes of the file
  Rest,
  Damage,  // where, how
  Close,
  GiveUp,
  Again,
  Confirm,
};
const unsigned kEvents = 11;

void play(Event event, fuzz::Script* script, fuzz::Fetch* fetch) {
  switch (event) {
    case Event::Text:
      return fetch->send(fuzz::textOf(script->takeBytes(script->take())));
    case Event::Answer: {
      const uint8_t seed = script->take();
      return fetch->answer(seed, script->take());
    }
    case Event::Part:
      return fetch->part(script->take());
    case Event::Status: {
      const uint8_t which = script->take();
      return fetch->status(which, script->take());
    }
    case Event::Stream:
      return fetch->stream(8 * size_t(script->take()) + 1);
    case Event::Rest:
      return fetch->rest();
    case Event::Damage: {
      const size_t where = 16 * size_t(script->take());
      return fetch->damage(where, script->take());
    }
    case Event::Close:
      return fetch->close();
    case Event::GiveUp:
      return fetch->giveUp();
    case Event::Again:
      return fetch->begin();
    case Event::Confirm:
      return fetch->confirm();
  }
}

std::string play(const uint8_t* settings, uint8_t pieces, fuzz::Script script) {
  fuzz::Fetch fetch(settings[0], settings[2], pieces);
  fuzz::failProviderAt(settings[1]);
  for (unsigned events = 0; events < 100 && !script.atEnd(); ++events) {
    play(static_cast<Event>(script.take() % kEvents), &script, &fetch);
  }
  fuzz::failProviderAt(0);
  fetch.goodUpdate();
  return fetch.story();
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
