// The upload page's server: what a visitor may do, and everything else.
#include "web_visit.h"

using namespace web_visit;

namespace {

const char kWholeStory[] = "start open write seal readBack save activate activated";

Buffer good() {
  return pretend::containerOf(kTokenB2, pretend::image('B'));
}

std::string text(const Buffer& bytes) {
  return std::string(bytes.begin(), bytes.end());
}

void pages() {
  Site site;
  const Answer page = site.get("/?x");
  CHECK(page.status == 200 && page.body == kPage);
  CHECK(page.head.find("Content-Type: text/html; charset=utf-8\r\n") != std::string::npos);
  const Answer open = site.get("/challenge");
  CHECK(open.status == 200 && open.body.empty());
  CHECK(open.head.find("X-SecureOTA-Product") == std::string::npos);
  site.begin("lamp-2000");
  const Answer lamp = site.get("/challenge");
  CHECK(lamp.head.find("\r\nX-SecureOTA-Product: lamp-2000\r\n") != std::string::npos);
  CHECK(site.device.journal.lines.empty());
}

void wholeInPiecesOfEverySize() {
  const Buffer container = good();
  const std::string whole = uploadHead(container.size()) + text(container) + "and more";
  for (size_t piece = 1; piece <= whole.size(); piece += piece < 70 ? 1 : 331) {
    Site site;
    site.visitor();
    site.hears(whole, piece);
    const Answer answer = split(site.takes(piece));
    CHECK(answer.status == 200 && answer.body == "OK\n");
    CHECK(site.receiver.updated() && site.door.lent);  // until the visitor has left
    site.receiver.onLeft();
    CHECK(!site.door.lent);
    CHECK(site.device.journal.story() == kWholeStory);
    CHECK(site.device.flash.slot == pretend::image('B') && site.device.flash.bootable);
  }
}

// Cut off anywhere: no answer to half a head, a refusal for half a body, and nothing boots.
void everyPrefixIsRefused() {
  const Buffer container = good();
  const std::string head = uploadHead(container.size());
  const std::string whole = head + text(container);
  for (size_t size = 0; size < whole.size(); size += size < head.size() + 60 ? 1 : 97) {
    Site site;
    site.visitor();
    site.hears(whole.substr(0, size));
    CHECK(!site.receiver.answered());
    site.receiver.onClosed();
    CHECK(site.receiver.answered() && !site.door.lent && !site.receiver.updated());
    const std::string answer = site.takes();
    CHECK(size < head.size() ? answer.empty() : split(answer).body == line(Error::ConnectionLost));
    CHECK(!site.device.flash.bootable);
    CHECK(site.upload(container).status == 200);  // and then a good one
  }
}

void headsThatAreRefused() {
  const struct {
    Fields changes;
    unsigned status;
    Error error;
  } kCases[] = {
      {{{"Origin", "http://evil.example"}}, 403, Error::WrongOrigin},
      {{{"Origin", "null"}}, 403, Error::WrongOrigin},
      {{{"Origin", std::string("https://") + kHost}}, 403, Error::WrongOrigin},
      {{{"Origin", std::string("HTTP://") + kHost}}, 403, Error::WrongOrigin},
      {{{"Origin", std::string("http://") + kHost + "0"}}, 403, Error::WrongOrigin},
      {{{"Origin", "http://192.0.2.7"}}, 403, Error::WrongOrigin},
      {{{"Host", "evil.example"}, {"Origin", "http://evil.example"}}, 403, Error::WrongOrigin},
      {{{"Host", "-"}, {"Origin", "-"}}, 403, Error::WrongOrigin},
      {{{"Host", "1.2.3"}, {"Origin", "-"}}, 403, Error::WrongOrigin},
      {{{"Host", "1.2.3.4.5"}, {"Origin", "-"}}, 403, Error::WrongOrigin},
      {{{"Host", "1.2.3.x"}, {"Origin", "-"}}, 403, Error::WrongOrigin},
      {{{"Host", ":80"}, {"Origin", "-"}}, 403, Error::WrongOrigin},
      {{{"Host", "kitchen"}, {"Origin", "-"}}, 403, Error::WrongOrigin},
      {{{"Host", "not-kitchen-lamp"}, {"Origin", "-"}}, 403, Error::WrongOrigin},
      {{{"Host", "x.kitchen-lamp"}, {"Origin", "-"}}, 403, Error::WrongOrigin},
      {{{"X-SecureOTA-Kind", "-"}}, 403, Error::WrongOrigin},
      {{{"X-SecureOTA-Kind", ""}}, 403, Error::WrongOrigin},
      {{{"X-SecureOTA-Kind", "7"}}, 422, Error::WrongImageKind},
      {{{"X-SecureOTA-Kind", "100"}}, 422, Error::WrongImageKind},  // it has no filesystem
      {{{"Content-Type", "-"}}, 411, Error::NotPlain},
      {{{"Content-Type", "multipart/form-data"}}, 411, Error::NotPlain},
      {{{"Content-Length", "-"}}, 411, Error::NotPlain},
      {{{"Transfer-Encoding", "chunked"}}, 411, Error::NotPlain},
      {{{"Content-Length", "1x"}}, 400, Error::HttpMalformed},
      {{{"Content-Length", "4294967296"}}, 400, Error::HttpMalformed},
      {{{"no token", "x"}}, 400, Error::HttpMalformed},
  };
  const Buffer container = good();
  for (const auto& each : kCases) {
    Site site;
    const Answer answer = site.upload(container, each.changes);
    if (!CHECK(answer.status == each.status && answer.body == line(each.error))) {
      printf("    %s: %u %s", each.changes[0].second.c_str(), answer.status, answer.body.c_str());
    }
    CHECK_ERROR(site.device.listener.lastError, each.error);
    CHECK(site.device.journal.story() == "refused");
  }
}

void headsThatAreTaken() {
  const Fields kCases[] = {
      {{"Origin", "-"}},
      {{"Host", "Localhost:99"}, {"Origin", "http://Localhost:99"}},
      {{"Host", "kitchen-lamp"}, {"Origin", "-"}},
      {{"Host", "KITCHEN-lamp.fritz.box:80"}, {"Origin", "-"}},
      {{"X-Other", std::string(3000, 'x')}},
  };
  for (const Fields& changes : kCases) {
    Site site;
    CHECK(site.upload(good(), changes).status == 200);
  }
}

void requestsThatAreNoneOfOurs() {
  const struct {
    const char* request;
    unsigned status;
  } kCases[] = {
      {"GET /nothing", 404}, {"GET /updat", 404},      {"GET /update", 405},
      {"POST /", 405},       {"POST /challenge", 405}, {"OPTIONS /update", 405},
      {"PUT /update", 405},  {"GET http://h/", 400},   {"GET", 400},
  };
  for (const auto& each : kCases) {
    Site site;
    const Answer answer = site.exchange(std::string(each.request) + " HTTP/1.1\r\n\r\n");
    CHECK(answer.status == each.status);
  }
  Site site;
  CHECK(site.exchange("\x16\x03\x01\x02\x01").status == 400);
  CHECK(site.exchange("GET / HTTP/1.1\r\nx:" + std::string(9000, 'x')).status == 400);
}

void bodiesThatAreRefused() {
  Buffer other = good();
  other.back() ^= 1;
  Buffer shorter = good();
  shorter.pop_back();
  const struct {
    Buffer body;
    Error error;
  } kCases[] = {
      {Buffer(), Error::NotSigned},
      {pretend::image('B'), Error::NotSigned},
      {shorter, Error::Truncated},
      {pretend::containerOf(kTokenBStranger, pretend::image('B')), Error::NotTrusted},
      {other, Error::ImageMismatch},
  };
  for (const auto& each : kCases) {
    Site site;
    const Answer answer = site.upload(each.body);
    CHECK(answer.status == 422 && answer.body == line(each.error));
    CHECK(!site.receiver.updated() && !site.device.flash.bootable);
    CHECK(site.upload(good()).status == 200);
  }
  Site site;  // both times are said
  const Answer old = site.upload(pretend::containerOf(kTokenB1, pretend::image('B')));
  CHECK(old.body.find("OlderThanFloor: ") == 0 && old.body.find("(signed 20") != std::string::npos);
}

void whatRunsAlready() {
  Site site;
  const Answer answer = site.upload(pretend::containerOf(kTokenA3, pretend::image('A')));
  CHECK(answer.body == "OK\n" && !site.receiver.updated());
  CHECK(site.device.journal.story() == "alreadyRunning");
}

void filesystemsAreAnnouncedAsSuch() {
  Site site;
  site.device.flash.filesystemSize = 8192;
  const Answer answer = site.upload(good(), {{"X-SecureOTA-Kind", "100"}});
  CHECK(answer.body == line(Error::ManifestMissing));
  CHECK(site.door.kind == ImageKind::Filesystem);
}

void somebodyElseHasTheDevice() {
  Site site;
  site.door.busy = true;
  const Answer answer = site.upload(good());
  CHECK(answer.status == 503 && answer.body == line(Error::Busy));
}

// "100 Continue" and the answer go out one behind the other, however they are taken.
void expectations() {
  const std::string interim = "HTTP/1.1 100 Continue\r\n\r\n";
  const std::string head = uploadHead(good().size(), {{"Expect", "100-continue"}});
  for (size_t taken = 0; taken <= interim.size(); ++taken) {
    Site site;
    site.visitor();
    site.hears(head);
    CHECK(desk::text(site.receiver.output()) == interim);
    site.receiver.sent(taken);
    site.hears(text(good()));
    const std::string rest = site.takes(7);
    const std::string all = interim.substr(0, taken) + rest;
    CHECK(taken == 0 || all.compare(0, interim.size(), interim) == 0);
    CHECK(split(taken == 0 ? all : all.substr(interim.size())).body == "OK\n");
  }
  Site site;  // who is refused is not told to go on
  const Answer refused = site.exchange(uploadHead(9, {{"Expect", "100-continue"}, {"Host", "x"}}));
  CHECK(refused.status == 403);
}

void time() {
  const std::string head = uploadHead(good().size());
  const std::string whole = head + text(good());
  const size_t token = head.size() + good().size() - kImageSize;
  const struct {
    size_t size;
    uint32_t idle;   // allowed without a byte
    uint32_t limit;  // from when the head was there
    uint32_t step;   // between two bytes
    bool answered;
  } kCases[] = {
      {1, secureota::kWebHeadTimeout, secureota::kWebHeadTimeout, 500, false},
      {head.size(), 10000, secureota::kTokenTimeout, 9000, true},
      {token + secureota::kFrontSize, 10000, secureota::kTransferTimeout, 9000, true},
  };
  for (const auto& each : kCases) {
    Site silent;
    silent.visitor();
    silent.hears(whole.substr(0, each.size));
    silent.after(each.idle - 1);
    CHECK(!silent.receiver.answered());
    silent.after(1);
    CHECK(silent.receiver.answered());
    const std::string said = silent.takes();
    CHECK(each.answered ? split(said).status == 408 : said.empty());

    Site slow;
    slow.visitor();
    slow.hears(whole.substr(0, each.size));
    size_t at = each.size;
    uint32_t waited = 0;
    while (!slow.receiver.answered() && waited <= each.limit) {
      slow.after(each.step);
      waited += each.step;
      slow.hears(whole.substr(at++, 1));
    }
    CHECK(waited >= each.limit && waited < each.limit + each.step);
    CHECK(!slow.device.flash.bootable && !slow.door.lent);
  }
}

void silence() {
  Site site;
  site.visitor();
  CHECK(site.receiver.silent() && !site.receiver.installing());
  site.hears("P");
  CHECK(!site.receiver.silent());
  site.hears(uploadHead(good().size()).substr(1) + text(good()).substr(0, 1500));
  CHECK(site.receiver.installing());
  site.visitor(desk::kStranger);  // instead of who was there
  CHECK(!site.door.lent && site.receiver.silent() && !site.receiver.installing());
  CHECK(site.device.journal.lines.back() == "abort");
}

}  // namespace

int main() {
  pages();
  wholeInPiecesOfEverySize();
  everyPrefixIsRefused();
  headsThatAreRefused();
  headsThatAreTaken();
  requestsThatAreNoneOfOurs();
  bodiesThatAreRefused();
  whatRunsAlready();
  filesystemsAreAnnouncedAsSuch();
  somebodyElseHasTheDevice();
  expectations();
  time();
  silence();
  return secureota_test::report();
}
