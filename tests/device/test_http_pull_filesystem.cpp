// Fetching a filesystem: what is taken for one, and when there is nothing new.
#include "manifest_tokens.h"
#include "web_server.h"

using secureota::Bytes;
using secureota::ImageKind;
using web_server::answer;
using web_server::Error;
using web_server::Fetching;
using web_server::kUrl;
using web_server::Outcome;

namespace {

template <size_t imageSize, size_t tokenSize>
std::string fileOf(const uint8_t (&image)[imageSize], const uint8_t (&token)[tokenSize],
                   const std::string& hint = "") {
  const std::string header = "RedWax/1.00 rfc3161=" + std::to_string(tokenSize) +
                             " payload=" + std::to_string(imageSize) + hint + "\n";
  return web_server::text(pretend::join(header, pretend::tokenOf(token), pretend::tokenOf(image)));
}

// One fetch of a filesystem.
class FetchingFiles : public Fetching {
 public:
  explicit FetchingFiles(size_t room = 8192) : Fetching(kUrl, "", ImageKind::Filesystem) {
    CHECK_ERROR(device.anchors.add(Bytes(kManifestAnchor, sizeof kManifestAnchor)), Error::None);
    device.flash.filesystemSize = room;
  }

  void takes(const std::string& file) {
    device.journal.lines.clear();
    (void)ask();
    hears(answer(file));
  }

  void again(bool unattended) {
    secureota::UpdaterParts parts = device.parts();
    parts.unattended = unattended;
    next = pull.begin(parts, ImageKind::Filesystem, secureota::asBytes(kUrl), Bytes());
  }
};

void filesystems() {
  const std::string files = fileOf(kAnyFsImage, kAnyFsToken);
  FetchingFiles fetching;
  fetching.takes(files);
  CHECK(fetching.updated());
  CHECK(fetching.device.floor.filesystemIsWhole());
  // The same once more is nothing new, where nobody watches; a person hears why not.
  fetching.again(true);
  fetching.takes(files);
  CHECK(fetching.endedWith(Outcome::NothingNew));
  CHECK(fetching.device.journal.story() == "alreadyRunning abort");
  fetching.again(false);
  fetching.takes(files);
  CHECK(fetching.pull.why() == Error::OlderThanFloor);
  // One that the sketch has made anew in between is not that one any more.
  CHECK_ERROR(fetching.device.floor.forgetFilesystem(), Error::None);
  fetching.again(true);
  fetching.takes(files);
  CHECK(fetching.pull.why() == Error::OlderThanFloor);
}

void filesystemsThatAreNone() {
  const struct {
    std::string file;
    Error error;
    bool opens;
  } kCases[] = {
      {fileOf(kAnyAppImage, kAnyAppToken, " kind=app"), Error::ImageKindMismatch, false},
      {fileOf(kAnyAppImage, kAnyAppToken), Error::ImageKindMismatch, true},
      {fileOf(kEsp32LampImage, kEsp32LampToken), Error::ImageKindMismatch, false},
      {fileOf(kPlainImage, kPlainToken), Error::ManifestMissing, true},
      {fileOf(kBadFsImage, kBadFsToken), Error::ManifestMalformed, true},
  };
  for (const auto& each : kCases) {
    FetchingFiles fetching;
    fetching.takes(each.file);
    CHECK(fetching.refused(each.error));
    CHECK(fetching.device.journal.has("open") == each.opens);
    CHECK(fetching.device.floor.filesystemIsWhole() == !each.opens);
  }
  FetchingFiles nowhere(0);
  nowhere.takes(fileOf(kAnyFsImage, kAnyFsToken));
  CHECK(nowhere.refused(Error::WrongImageKind));
  FetchingFiles tooSmall(100);
  tooSmall.takes(fileOf(kAnyFsImage, kAnyFsToken));
  CHECK(tooSmall.refused(Error::ImageTooLarge));
}

}  // namespace

int main() {
  filesystems();
  filesystemsThatAreNone();
  return secureota_test::report();
}
