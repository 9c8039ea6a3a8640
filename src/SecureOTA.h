// Signed firmware updates over the air: the only header that a sketch includes.
//
//     #include <SecureOTA.h>
//
//     void setup() {
//       ... connect to the network ...
//       SecureOTA.setHostname("kitchen-lamp");
//       SecureOTA.begin();
//     }
//
//     void loop() { SecureOTA.handle(); }
//
// The trust anchors, the build time and the policies that the device requires are compiled in by
// the build (the one line in platformio.ini), so that nothing needs to be pasted into the sketch. A
// device without a trust anchor refuses every update.
//
// The functions and callbacks are those of ArduinoOTA: a sketch moves over by renaming. Do not
// include both.
#pragma once

#include <functional>

#include "secureota/auth.h"
#include "secureota/floor.h"
#include "secureota/policies.h"
#include "secureota/port.h"
#include "secureota/receiver.h"
#include "secureota/staged_filesystem.h"
#include "secureota/trial.h"

#if defined(ARDUINO)
#if !defined(ARDUINO_ARCH_ESP32)
#error "SecureOTA runs on ESP32 boards (and as a program on Linux and macOS); not on this one yet"
#endif
#include <Arduino.h>
#elif defined(ESP_PLATFORM)
#error "SecureOTA needs the Arduino core as a component of this project: docs/esp-idf.md"
#else
#include "secureota/port/posix/run.h"
#endif

// ArduinoOTA's words, with its values.
typedef enum {
  OTA_AUTH_ERROR,
  OTA_BEGIN_ERROR,
  OTA_CONNECT_ERROR,
  OTA_RECEIVE_ERROR,
  OTA_END_ERROR
} ota_error_t;

#if !defined(U_FLASH)
#define U_FLASH 0
#endif
#if !defined(U_SPIFFS)
#define U_SPIFFS 100
#endif

// Bytes of the longest token that the device takes; what it lends to the verifier, in RAM. Tokens
// with a chain of P-256 certificates have 2,000, those of public services up to 6,500. At most
// 16,384.
#if !defined(SECUREOTA_TOKEN_SIZE)
#if defined(ARDUINO)
#define SECUREOTA_TOKEN_SIZE 8192
#else
#define SECUREOTA_TOKEN_SIZE 16384
#endif
#endif
static_assert(SECUREOTA_TOKEN_SIZE >= secureota::kFrontSize, "the front of an image waits there");

class UpdateProcessorRFC3161;

class SecureOTAClass {
 public:
  typedef std::function<void(void)> THandlerFunction;
  typedef std::function<void(ota_error_t)> THandlerFunction_Error;
  typedef std::function<void(unsigned int, unsigned int)> THandlerFunction_Progress;

  SecureOTAClass();

  // ---- before begin() ----

  // UDP port; 3232 by default. Hosts connect to the TCP port of the same number, which is open only
  // after an invitation, if it is free, and else to any.
  SecureOTAClass& setPort(uint16_t port);

  // The name in mDNS; by default "esp32-" and the MAC address. At most 63 characters.
  SecureOTAClass& setHostname(const char* hostname);
#if defined(ARDUINO)
  String getHostname() const {
    return String(hostname_);
  }
#else
  const char* getHostname() const {
    return hostname_;
  }
#endif

  // Asks for a password. It keeps strangers from starting uploads, and lets hosts know that it was
  // this device that said what it runs; what may be installed is decided by the signature alone.
  SecureOTAClass& setPassword(const char* password);

  // The same with the SHA-256 of the password in hexadecimal, or its MD5. With anything else the
  // device refuses every password.
  SecureOTAClass& setPasswordHash(const char* hash);

  // Lets hosts that know no other form send an MD5 of the password, which whoever listens can try
  // to guess quickly. Off by default.
  SecureOTAClass& setAllowMd5Password(bool allowed);

  // Restarts into a new image at once. On by default.
  SecureOTAClass& setRebootOnSuccess(bool restart);

  // Announces the device by mDNS, with its product and version. On by default.
  SecureOTAClass& setMdnsEnabled(bool enabled);

  // Ends an upload from which nothing came for so long; 10,000 ms by default.
  SecureOTAClass& setTimeout(int milliseconds);

  // Trusts one more key: a certificate in DER, which must outlive the program's use of SecureOTA (a
  // constant does). False, and lastError() says why, if it can't be an anchor.
  bool addTrustAnchor(const uint8_t* der, size_t size);

  // The same with several certificates, one after the other.
  bool addTrustAnchors(const uint8_t* der, size_t size);

  // Accepts only tokens that were issued under this policy, "1.3.6.1.4.1.99999.1", or another one
  // that was required. False for what is no OBJECT IDENTIFIER; then nothing is accepted.
  bool requirePolicy(const char* oid);

  // The revision of the board, for a sketch that can tell: from then on images are refused that
  // name revisions and not this one. It replaces the revisions that the build has compiled in. At
  // most 16 letters, digits and `. _ + -`; false for anything else, and then every image is refused
  // that names revisions.
  bool setHardware(const char* revision);

  // ---- the trial of a new image (docs/updates.md) ----
  //
  // A new image stays only once it is confirmed: by default when the network was up and the device
  // listened for a minute. Until then a restart of any kind, also by the limit, brings the previous
  // image back, and other updates are refused. On a chip it takes a boot loader with rollback,
  // which Arduino's are.

  // Seconds of listening after which the image confirms itself; 60 by default, 0: at once.
  SecureOTAClass& setConfirmAfter(uint32_t seconds);

  // Off: only confirm() confirms. On by default.
  SecureOTAClass& setConfirmAutomatically(bool automatic);

  // Seconds from the start, or from this call, after which an image that is not confirmed is reset;
  // 3,600 by default, 0: never.
  SecureOTAClass& setConfirmLimit(uint32_t seconds);

  // Days by which one image may raise the floor; 1,096 by default, at least 1.
  SecureOTAClass& setMaxFloorRise(uint32_t days);

  // How a filesystem is written: in place (the default), so that there is none from the start of an
  // update of it to its end; or by way of the spare application slot, so that the old one stays
  // until the new one has arrived whole, and is lost to no upload that breaks off. Then the
  // previous application, which was in that slot, is gone. secureota::Staging::WhereItFits writes
  // in place what does not fit the slot, Staging::Always refuses it (docs/updates.md).
  SecureOTAClass& setFilesystemStaging(secureota::Staging staging);

  // The sketch's answer to a refusal, to the start of writing (the token was accepted by then), to
  // progress (bytes, of how many), and to success, just before the restart.
  SecureOTAClass& onStart(THandlerFunction callback);
  SecureOTAClass& onEnd(THandlerFunction callback);
  SecureOTAClass& onError(THandlerFunction_Error callback);
  SecureOTAClass& onProgress(THandlerFunction_Progress callback);

  // There is no filesystem: an update of it was begun and did not come to its end, or what was
  // staged could not be copied. Called by begin(). It should format, and put back what the sketch
  // needs; then that counts as the filesystem. Without it there is none until an update brings one.
  SecureOTAClass& onFilesystemLost(THandlerFunction callback);

  // For sketches of the earlier signed updater; anchors given to the processor are ours already.
  SecureOTAClass& setProcessor(UpdateProcessorRFC3161* processor);

  // ---- running ----

  // Starts to listen. The network must be up.
  void begin();

  // To be called from loop(). Returns at once, except during an upload, which it takes to its end.
  void handle();

  void end();

  // Whether there is a filesystem to mount (onFilesystemLost says why there may be none); also
  // before begin(). Whichever comes first ends the copying of a staged one that a power cut has
  // interrupted, which takes seconds.
  bool filesystemIsWhole();

  // The image that runs is new, and not confirmed yet.
  bool isPending();

  // It works, and stays; also before begin(). Does nothing where it is not pending. False, and
  // lastError() says why, if that can't be written down: it is pending still.
  bool confirm();

  // It does not work: restarts into the previous image. Returns false, and lastError() says why,
  // where it is not pending or there is no previous image.
  bool reject();

  // U_FLASH or U_SPIFFS: of the upload under way, or the last one.
  int getCommand() const;

  // Why the last update was refused, or why the image that it brought was left again, by name:
  // secureota::errorName(), errorSentence().
  secureota::Error lastError() const {
    return lastError_;
  }

  // ---- for other ways in: SecureHTTPUpdate.h, SecureWebUpdate.h ----
  //
  // There is one update at a time, whichever way it comes. A sketch needs none of these.

  // Lends what an Updater works with, for an image of this kind, until release(). Busy, where
  // another update is under way.
  secureota::Error claim(secureota::ImageKind kind, secureota::UpdaterParts* parts);

  // To be called often meanwhile: hosts are told that the device is busy, and a watchdog that it is
  // alive. Waits a millisecond, or until something arrives.
  void tend();

  void release();

  // A new image is active: calls the sketch, and restarts unless it wants otherwise.
  void finishUpdate();

  const secureota::Password& password() const {
    return password_;
  }
  secureota::UpdateListener& listener() {
    return reporter_;
  }

  // The name that the device has in the network: the sketch's, or the machine's.
  const char* hostname();

 private:
  SecureOTAClass(const SecureOTAClass&);
  SecureOTAClass& operator=(const SecureOTAClass&);

  // Turns what the library reports into callbacks and lines of log, and tells it what it asks.
  class Reporter final : public secureota::UpdateListener, public secureota::FactsSource {
   public:
    explicit Reporter(SecureOTAClass* owner) : owner_(owner) {}
    void breathe() override;
    void onStart(secureota::ImageKind kind, size_t imageSize) override;
    void onProgress(size_t done, size_t total) override;
    void onActivated(const secureota::VerifiedToken& token) override;
    void onAlreadyRunning(const secureota::VerifiedToken& token) override;
    void onRefused(const secureota::Refusal& refusal, Stage at) override;
    secureota::DeviceFacts deviceFacts() override;

   private:
    SecureOTAClass* owner_;
  };

  void prepareReceiver();
  void announce();
  void loadFacts();
  void applyPolicies();
  void applyHardware();
  void prepareTrial();
  void prepareFilesystem();
  void repairFilesystem();
  void confirmWhenDue();
  void receiveDatagrams();
  void acceptPeers();
  void serveStream();
  void perform(const secureota::Actions& actions);
  static void sayRefusal(const char* what, const secureota::Refusal& refusal);
  void sayAccepted(const char* how, const secureota::VerifiedToken& token);
  bool note(secureota::Error error);

  static const size_t kHostnameSize = 64;
  static const size_t kReadSize = 1460;  // bytes of one TCP segment

  char hostname_[kHostnameSize];
  uint16_t port_;
  bool listening_;
  bool restartOnSuccess_;
  bool announce_;
  bool factsLoaded_;
  bool trialPrepared_;
  bool filesystemPrepared_;
  bool streaming_;  // a stream was asked for or accepted, and not closed yet
  secureota::Error lastError_;

  THandlerFunction startCallback_;
  THandlerFunction endCallback_;
  THandlerFunction_Error errorCallback_;
  THandlerFunction_Progress progressCallback_;
  THandlerFunction filesystemLostCallback_;

  Reporter reporter_;
  secureota::Password password_;
  secureota::TrustStore anchors_;
  secureota::PolicySet policies_;
  secureota::Rules rules_;
  secureota::Manifest own_;  // what this firmware says it is
  char hardware_[secureota::kMaxRevisionSize + 1];
  secureota::Floor floor_;
  secureota::Trial trial_;
  bool runningDigestKnown_;
  uint8_t runningDigest_[secureota::kSha256Size];
  secureota::Receiver receiver_;
  uint8_t tokenBuffer_[SECUREOTA_TOKEN_SIZE];
  uint8_t readBuffer_[kReadSize];
};

extern SecureOTAClass SecureOTA;

// For sketches of the earlier signed updater:
//
//     UpdateProcessorRFC3161 signatureChecker;
//     signatureChecker.addTrustedCertAsDER(signing_cert, sizeof(signing_cert));
//
// Unsigned uploads can't be allowed: its setAllowLegacyUploads() does not exist here.
class UpdateProcessorRFC3161 {
 public:
  // 0, or -1 if the certificate can't be an anchor.
  static int addTrustedCertAsDER(const unsigned char* der, size_t size);
};
