// URLs, and where a server refers to: what is taken, and that nothing else is.
#include "secureota/url.h"

#include "http_head.h"

using http_head::bytesOf;
using http_head::textOf;
using secureota::Bytes;
using secureota::Error;
using secureota::Url;

namespace {

void goodUrls() {
  const std::string text = "https://ota.example.com:8443/a/b.bin?c=d";
  Url url;
  CHECK_ERROR(secureota::parseUrl(bytesOf(text), &url), Error::None);
  CHECK(url.tls && url.port == 8443);
  CHECK(textOf(url.host) == "ota.example.com");
  CHECK(textOf(url.authority) == "ota.example.com:8443");
  CHECK(textOf(url.target) == "/a/b.bin?c=d");
  const std::string shortest = "http://h";
  CHECK_ERROR(secureota::parseUrl(bytesOf(shortest), &url), Error::None);
  CHECK(!url.tls && url.port == 80 && url.target.empty());
}

void badUrls() {
  const std::string kBad[] = {
      "",
      "http:/",
      "http://",
      "http:///x",
      "HTTP://h/",
      "ftp://h/",
      "//h/x",
      "/x",
      "http://user@h/",
      "http://[::1]/",
      "http://h:/",
      "http://h:0/",
      "http://h:65536/",
      "http://h:8a/",
      "http://h:1:2/",
      "http://h/a b",
      "http://h/a\r\nHost: x",
      "http://h/#top",
      "http://h/\x80",
      "http://h?x",
      "http://" + std::string(secureota::kMaxHostSize + 1, 'h') + "/",
      "http://h/" + std::string(secureota::kMaxUrlSize, 'x'),
  };
  for (const std::string& bad : kBad) {
    Url url;
    url.port = 7;
    if (!CHECK_ERROR(secureota::parseUrl(bytesOf(bad), &url), Error::BadUrl)) {
      printf("    %s\n", bad.c_str());
    }
    CHECK(url.port == 7);  // untouched
  }
}

std::string resolved(const std::string& base, const std::string& reference) {
  char text[secureota::kMaxUrlSize];
  memcpy(text, base.data(), base.size());
  Url url;
  CHECK_ERROR(secureota::parseUrl(secureota::asBytes(text, base.size()), &url), Error::None);
  size_t size = 0;
  if (secureota::resolveReference(url, bytesOf(reference), text, &size) != Error::None) {
    CHECK(std::string(text, base.size()) == base);  // untouched
    return "BadUrl";
  }
  return std::string(text, size);
}

void references() {
  CHECK(resolved("http://h:8/a/b?c", "/d?e#f") == "http://h:8/d?e");
  CHECK(resolved("http://h", "/d") == "http://h/d");
  CHECK(resolved("https://h/a", "https://other.example/x#y") == "https://other.example/x");
  CHECK(resolved("https://h/a", "http://h/a") == "BadUrl");  // no way down
  CHECK(resolved("http://h/a", "https://h/a") == "BadUrl");
  CHECK(resolved("http://h/a", "//other/x") == "BadUrl");
  CHECK(resolved("http://h/a", "b") == "BadUrl");
  CHECK(resolved("http://h/a", "") == "BadUrl");
  CHECK(resolved("http://h/a", "#b") == "BadUrl");
  CHECK(resolved("http://h/a", "/b c") == "BadUrl");
  CHECK(resolved("http://h/a", "/" + std::string(secureota::kMaxUrlSize - 9, 'x')).size() ==
        secureota::kMaxUrlSize);
  CHECK(resolved("http://h/a", "/" + std::string(secureota::kMaxUrlSize - 8, 'x')) == "BadUrl");
}

bool liesIn(Bytes part, const std::string& text) {
  const uint8_t* const begin = bytesOf(text).data;
  return part.data >= begin && part.size <= size_t(begin + text.size() - part.data);
}

// Cut off anywhere it is no URL, or one of its own, and nothing behind its end is looked at.
void everyPrefix() {
  const std::string text = "https://h.example:8443/a?b";
  for (size_t size = 0; size <= text.size(); ++size) {
    const std::string prefix = text.substr(0, size);
    const bool hasHost = size > sizeof "https://" - 1;
    const bool endsInColon = !prefix.empty() && prefix.back() == ':';
    Url url;
    const bool good = hasHost && !endsInColon;
    CHECK_ERROR(secureota::parseUrl(bytesOf(prefix), &url), good ? Error::None : Error::BadUrl);
    if (good) {
      CHECK(liesIn(url.host, prefix) && liesIn(url.authority, prefix) &&
            liesIn(url.target, prefix));
      CHECK("https://" + textOf(url.authority) + textOf(url.target) == prefix);
    }
  }
}

}  // namespace

int main() {
  goodUrls();
  badUrls();
  everyPrefix();
  references();
  return secureota_test::report();
}
