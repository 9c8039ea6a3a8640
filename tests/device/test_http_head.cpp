// The grammar that requests and answers share: lines, fields, and where they end.
#include <vector>

#include "http_head.h"

using http_head::parse;
using http_head::refuses;
using http_head::textOf;
using secureota::Bytes;
using secureota::Error;
using secureota::isWord;

namespace {

const size_t kLineSize = 24;

// Keeps all that it is told.
class Head final : public secureota::HttpHead {
 public:
  Head() : HttpHead(line_, kLineSize) {}

  void reset() {
    resetHead();
    firstLine.clear();
    fields.clear();
  }

  std::string firstLine;
  std::vector<std::string> fields;  // "name=value"; with "..." where the line was cut

 private:
  Error onFirstLine(Bytes line) override {
    firstLine = textOf(line);
    return Error::None;
  }
  Error onField(Bytes name, Bytes value, bool whole) override {
    fields.push_back(textOf(name) + "=" + textOf(value) + (whole ? "" : "..."));
    return Error::None;
  }

  char line_[kLineSize];
};

const std::string kGood =
    "the first\tline\r\n"
    "a:b\r\n"
    "Name:  two words \t\r\n"
    "!#$%&'*+-.^_`|~09aZ:x\r\n"
    "empty:\r\n"
    "colons: a:b:c\r\n"
    "high: \xc3\xa4\xff\r\n"
    "\r\n";

void whole() {
  Head head;
  http_head::wholeInPiecesOfEverySize(kGood, &head, [&] {
    const std::vector<std::string> wanted = {"a=b",    "Name=two words", "!#$%&'*+-.^_`|~09aZ=x",
                                             "empty=", "colons=a:b:c",   "high=\xc3\xa4\xff"};
    CHECK(head.firstLine == "the first\tline");
    CHECK(head.fields == wanted);
  });
}

void takesNothingBehindItsEnd() {
  Head head;
  CHECK_ERROR(parse(kGood, &head), Error::None);
  size_t taken = 7;
  CHECK_ERROR(head.feed(http_head::bytesOf("more\x01"), &taken), Error::None);
  CHECK(taken == 0 && head.complete());
}

void linesThatAreNoFields() {
  const std::string kBad[] = {
      "no colon",
      ": no name",
      "Space : before the colon",
      " Folded: line",
      "\tFolded: line",
      "Na(me: x",
      "Na\"me: x",
      "Na/me: x",
      "Na{me: x",
      "Na\tme: x",
      "N\xc3\xa4me: x",
      "Nul: " + std::string(1, '\0'),
      std::string(1, '\0') + ": x",
      "Bell: \a",
      "Delete: \x7f",
      "Escape: \x1b[0m",
      "Bare: cr\r!",
      "Two: crs\r\r",
      "Bare: lf\n",
  };
  Head head;
  for (const std::string& bad : kBad) {
    refuses("first\r\n" + bad + "\r\n\r\n", &head);
  }
  refuses("first\n\n", &head);
  refuses("fi\x01rst\r\n\r\n", &head);
  refuses(std::string(kLineSize + 1, 'x') + "\r\n\r\n", &head);  // no first line is passed over
}

void longLinesAreCut() {
  Head head;
  const std::string fits = "n:" + std::string(kLineSize - 2, 'v');
  CHECK_ERROR(parse("f\r\n" + fits + "\r\n" + fits + "v\r\nlast:1\r\n\r\n", &head), Error::None);
  const std::string value(kLineSize - 2, 'v');
  const std::vector<std::string> wanted = {"n=" + value, "n=" + value + "...", "last=1"};
  CHECK(head.fields == wanted);
  // Its name must be there: what is cut away can't be judged.
  refuses("f\r\n" + std::string(kLineSize, 'n') + ":v\r\n\r\n", &head);
}

void theHeadIsBounded() {
  Head head;
  const std::string start = "f\r\nn:";
  const std::string end = "\r\n\r\n";
  const size_t room = secureota::kMaxHttpHeadSize - start.size() - end.size();
  CHECK_ERROR(parse(start + std::string(room, 'x') + end, &head), Error::None);
  CHECK(head.complete());
  refuses(start + std::string(room + 1, 'x') + end, &head);
  std::string many = "f\r\n";
  while (many.size() <= secureota::kMaxHttpHeadSize) {
    many += "n:\r\n";
  }
  refuses(many, &head);
}

void words() {
  CHECK(isWord(http_head::bytesOf("Content-LENGTH"), "content-length"));
  CHECK(isWord(Bytes(), ""));
  for (const char* other : {"content-lengt", "content-length-", "content_length", ""}) {
    CHECK(!isWord(http_head::bytesOf(other), "content-length"));
  }
  CHECK(!isWord(http_head::bytesOf(std::string("a\0", 2)), "a"));
  CHECK(!isWord(http_head::bytesOf("@"), "`"));  // no letters: they differ by the same bit
}

}  // namespace

int main() {
  Head head;
  whole();
  http_head::everyPrefixIsIncomplete(kGood, &head);
  takesNothingBehindItsEnd();
  linesThatAreNoFields();
  longLinesAreCut();
  theHeadIsBounded();
  words();
  return secureota_test::report();
}
