// Fetches a container from a web server into an Updater (docs/other-ways.md): what to ask, and what
// to make of the answer.
//
// It owns no socket, no clock and no memory beyond its own: connections are made by the caller, who
// says what came over them. The server and everybody on the way are strangers: what they send is
// decided on by the Updater alone, and what they can make a device do is bounded here.
//
//   - The image that runs is recognised by its token, and so is the filesystem that lies there: of
//     a file that holds it, a few kilobytes are read, and none where the server knows the entity
//     tag.
//   - An image that the device has left again is not fetched over and over.
//   - A connection that breaks is taken up where it ended, of the same file only: the range is
//     asked for under the condition of a strong entity tag, and taken only if it begins where we
//     are and the whole is as long as it was. A server that sends the file from its beginning
//     instead is listened to from the beginning.
#pragma once

#include "http_response.h"
#include "text.h"
#include "updater.h"
#include "url.h"

namespace secureota {

// How often a server may refer to another address, in one update.
const unsigned kMaxRedirects = 5;

// Connections in a row that brought nothing, before the update is given up.
const unsigned kMaxFruitless = 4;

// Interim answers (1xx) in front of one that counts.
const unsigned kMaxInterim = 4;

class HttpPull {
 public:
  HttpPull();

  // What the caller is to do.
  enum class Next : uint8_t {
    Connect,  // to url(), send request(), and go on with Read
    Read,     // say what comes: onBytes; onClosed when nothing more does
    Done,     // nothing: close the connection
  };

  enum class Outcome : uint8_t {
    Updated,     // the new image is active
    NothingNew,  // the server has what runs already, or what lies there already
    Refused,     // why() says why; nothing has changed
  };

  // Starts anew, with an image of this kind. `url`, and what `parts` names, must outlive the
  // update. `etag` is the entity tag of a file that is known to hold nothing new; or empty. BadUrl
  // where this can't be a URL; then it is over.
  Next begin(const UpdaterParts& parts, ImageKind kind, Bytes url, Bytes etag);

  // Where to connect.
  const Url& url() const { return url_; }

  // What to send over a connection that stands. Good until bytes are given to onBytes.
  Bytes request();

  Next onBytes(Bytes bytes);

  // The connection ended, broke, or never came about. `why` where there is no way to go on:
  // ConnectionLost, TimedOut.
  Next onClosed(Error why);

  // Ends an update that takes too long, or has no place any more.
  Next giveUp(Error why);

  // Connections in a row that brought nothing: the more there were, the longer the caller waits.
  unsigned fruitless() const { return fruitless_; }

  // ---- when it is done ----

  Outcome outcome() const { return outcome_; }
  Error why() const { return why_; }

  // The status of the last answer; 0: there was none.
  unsigned status() const { return response_.status(); }

  // The entity tag of a file that holds nothing new; or empty.
  Bytes etag() const { return asBytes(etag_, etagSize_); }

 private:
  Next connectTo(Bytes url);
  Next onHead();
  Next onRedirect();
  Next beginBody();
  Next resumeBody();
  Next takeBody(Bytes* rest);
  Next finishBody();
  Next end(Outcome outcome);
  Next fail(Error why, UpdateListener::Stage at);
  void setEtag(Bytes etag);
  bool resuming() const { return updater_.active() && updater_.taken() != 0; }

  // "GET ", the target, and the fields with a host and two entity tags.
  static const size_t kRequestSize = kMaxUrlSize + kMaxHostSize + 2 * kMaxEtagSize + 256;
  static_assert(kRequestSize >= kHttpResponseLineSize, "both lie in the same place");

  UpdaterParts parts_;
  ImageKind kind_;
  Updater updater_;
  Bytes first_;  // the URL that was asked for
  Url url_;
  char urlText_[kMaxUrlSize];
  char text_[kRequestSize];  // the request, then the lines of the answer
  HttpResponse response_;
  bool inBody_;
  uint32_t bodyLeft_;
  unsigned redirects_;
  unsigned fruitless_;
  unsigned interim_;

  // Of the file that holds nothing new; from an answer 200 on, of the file that is being fetched.
  char etag_[kMaxEtagSize];
  size_t etagSize_;

  Outcome outcome_;
  Error why_;
};

}  // namespace secureota
