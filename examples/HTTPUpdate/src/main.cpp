// A device that looks at a web server now and then, and installs what it finds there if it is new
// and signed by somebody it trusts.
//
// Any server will do, and a file that somebody else has put there does no harm: what is installed
// is decided by the signature alone.
#include <SecureHTTPUpdate.h>

#if !defined(FIRMWARE_VERSION)
#define FIRMWARE_VERSION "1"
#endif
#if !defined(UPDATE_URL)
#define UPDATE_URL "http://127.0.0.1:8000/firmware.signed.bin"
#endif

static SecureHTTPUpdateClass::Outcome fetch();
static void say(const char* line, const char* more);

static void look() {
  switch (fetch()) {
    case SecureHTTPUpdateClass::Outcome::Updated:  // it restarts by itself
      break;
    case SecureHTTPUpdateClass::Outcome::NothingNew:
      say("looked: nothing new", "");
      // The next update could come the same way, so this image can be left again.
      SecureOTA.confirm();
      break;
    case SecureHTTPUpdateClass::Outcome::Refused:
      say("looked: ", secureota::errorName(SecureOTA.lastError()));
      break;
  }
}

#if defined(ARDUINO)

#include <WiFi.h>
#include <WiFiClientSecure.h>

static const char kNetwork[] = "your network";
static const char kPassphrase[] = "its passphrase";
static const uint32_t kInterval = 60UL * 60 * 1000;  // milliseconds

// The authority that has certified the server; not the anchor for firmware, which the build
// compiles in.
static const char kServerAuthority[] =
    "-----BEGIN CERTIFICATE-----\n"
    "...\n"
    "-----END CERTIFICATE-----\n";

static void say(const char* line, const char* more) {
  Serial.print(line);
  Serial.println(more);
}

static SecureHTTPUpdateClass::Outcome fetch() {
  WiFiClientSecure client;
  client.setCACert(kServerAuthority);
  return SecureHTTPUpdate.update(client, UPDATE_URL);
}

static void begin() {
  Serial.begin(115200);
  WiFi.mode(WIFI_STA);
  WiFi.begin(kNetwork, kPassphrase);
  while (WiFi.waitForConnectResult() != WL_CONNECTED) {
    delay(5000);
    WiFi.begin(kNetwork, kPassphrase);
  }
}

#else

#include <stdio.h>
#include <stdlib.h>

static const uint32_t kInterval = 1000;  // milliseconds; on your desk it may be quick

static void say(const char* line, const char* more) {
  printf("%s%s\n", line, more);
  fflush(stdout);
}

// The environment may name another address.
static SecureHTTPUpdateClass::Outcome fetch() {
  const char* const url = getenv("UPDATE_URL");
  return SecureHTTPUpdate.update(url != nullptr ? url : UPDATE_URL);
}

static void begin() {}

#endif

static uint32_t lastLook = 0;

static uint32_t now() {
  return static_cast<uint32_t>(millis());  // "unsigned long" on a chip
}

void setup() {
  begin();
  say("boot: version ", FIRMWARE_VERSION);
  SecureOTA.begin();
  lastLook = now() - kInterval;  // at once
}

void loop() {
  SecureOTA.handle();
  if (now() - lastLook >= kInterval) {
    look();
    lastLook = now();
  }
}

#if !defined(ARDUINO)
int main(int argc, char** argv) {
  return secureota::posix::run(argc, argv, setup, loop);
}
#endif
