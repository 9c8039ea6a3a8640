// A script of what happens on the network. Three bytes of settings:
//
//   0  bits: 01 a password is asked for, 02 its MD5 form is allowed, 04 no anchors, 08 the first
//      seed's image runs already, 10 the good upload at the end comes in direct mode, 20 what runs
//      is on trial
//   1  the call of the cryptography that finds no memory; 0: none
//   2  the operation of the flash that fails; 0: none
//
// and then events, each a byte (modulo their number) with its arguments: see Event.
//
// Promised of every script: no answer is longer than its question, but for the nonce to the stock
// form; a connection goes to whoever asked, and only after the password where there is one; who
// connects to us sends into the void, and is dropped, unless it is the host that asked and it says
// the cookie first; only who gave a wrong password waits, and a nonce costs one computation; "OK"
// on the stream means that the new image boots or runs already, and a restart that it boots; flash
// is opened only during a transfer, and never while what runs is on trial; whatever happened, time
// alone brings the device back to rest; and then a good upload is taken, once the trial is over.

#include "crypto_mode.h"
#include "meter.h"
#include "script.h"
#include "upload.h"

namespace {

enum class Event : uint8_t {
  Datagram,      // from, size, bytes
  Invite,        // from, seed, how
  Authenticate,  // from, right (or wrong)
  Repeat,        // from
  Connected,
  ConnectionFailed,
  Stream,  // size: so many pieces of 8 bytes
  Bytes,   // size, bytes: these over the stream
  Closed,
  Tick,      // tenths of a second
  LongTick,  // tens of seconds
  Restart,
  Rest,
  Damage,    // where, how
  Accepted,  // from: a peer connects, if it can
  Greet,     // how
  Status,    // from, size: asks what the device runs
};
const unsigned kEvents = 17;
const uint8_t kConfirm = 255;  // in the place of an event: the sketch confirms what runs

void play(Event event, fuzz::Script* script, fuzz::Upload* upload) {
  // What an argument is for depends on its place, so that each is taken before the next.
  switch (event) {
    case Event::Datagram: {
      const uint8_t from = script->take();
      const size_t size = script->take();
      return upload->datagram(from, script->takeBytes(size));
    }
    case Event::Invite: {
      const uint8_t from = script->take();
      const uint8_t seed = script->take();
      return upload->invite(from, seed, script->take());
    }
    case Event::Authenticate: {
      const uint8_t from = script->take();
      return upload->authenticate(from, script->take() % 2 == 1);
    }
    case Event::Repeat:
      return upload->repeat(script->take());
    case Event::Connected:
      return upload->connected();
    case Event::ConnectionFailed:
      return upload->connectionFailed();
    case Event::Stream:
      return upload->stream(8 * size_t(script->take()) + 1);
    case Event::Bytes:
      return upload->take(script->takeBytes(script->take()));
    case Event::Closed:
      return upload->closed();
    case Event::Tick:
      upload->wait(100u * script->take());
      return upload->tick();
    case Event::LongTick:
      upload->wait(10000u * script->take());
      return upload->tick();
    case Event::Restart:
      return upload->restart();
    case Event::Rest:
      return upload->rest();
    case Event::Damage: {
      const size_t where = 16 * size_t(script->take());
      return upload->damage(where, script->take());
    }
    case Event::Accepted:
      return upload->accepted(script->take());
    case Event::Greet:
      return upload->greet(script->take());
    case Event::Status: {
      const uint8_t from = script->take();
      return upload->status(from, script->take());
    }
  }
}

void play(fuzz::Script script, fuzz::Upload* upload) {
  // A script is as long as its input, but ticks are cheap: a bound keeps inputs small.
  for (unsigned events = 0; events < 200 && !script.atEnd(); ++events) {
    upload->wait(1);
    const uint8_t event = script.take();
    if (event == kConfirm) {
      upload->confirm();
    } else {
      play(static_cast<Event>(event % kEvents), &script, upload);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const size_t settings = 3;
  if (size < settings) {
    return 0;
  }
  const fuzz::Pause harness;
  fuzz::Upload upload(data[0], data[2]);
  fuzz::failProviderAt(data[1]);
  play(fuzz::Script(secureota::Bytes(data + settings, size - settings)), &upload);
  fuzz::failProviderAt(0);
  upload.settle();
  if (fuzz::cryptoIsStub() || size % 8 == 0) {  // real signatures take milliseconds
    upload.goodUpload();
  }
  return 0;
}
