// A device with a page for updates: choose the signed image in a browser, and see what becomes of
// it.
#include <SecureWebUpdate.h>

#if !defined(FIRMWARE_VERSION)
#define FIRMWARE_VERSION "1"
#endif

#if defined(ARDUINO)

#include <WiFi.h>

static const char kNetwork[] = "your network";
static const char kPassphrase[] = "its passphrase";

static void begin() {
  Serial.begin(115200);
  Serial.println("boot: version " FIRMWARE_VERSION);
  WiFi.mode(WIFI_STA);
  WiFi.begin(kNetwork, kPassphrase);
  while (WiFi.waitForConnectResult() != WL_CONNECTED) {
    delay(5000);
    WiFi.begin(kNetwork, kPassphrase);
  }
  SecureOTA.setHostname("secure-ota");
  // The page asks for it too. It keeps strangers from trying; what is installed is decided by the
  // signature alone.
  // SecureOTA.setPassword("...");
}

#else

#include <stdio.h>
#include <stdlib.h>

static void begin() {
  printf("boot: version %s\n", FIRMWARE_VERSION);
  fflush(stdout);
  // Port 80 takes more rights than a desk should give. The environment may name another one.
  const char* const port = getenv("WEB_PORT");
  SecureWebUpdate.setPort(static_cast<uint16_t>(port != nullptr ? atoi(port) : 8080));
}

#endif

void setup() {
  begin();
  SecureWebUpdate.begin();
  SecureOTA.begin();
}

void loop() {
  SecureOTA.handle();
  SecureWebUpdate.handle();
}

#if !defined(ARDUINO)
int main(int argc, char** argv) {
  return secureota::posix::run(argc, argv, setup, loop);
}
#endif
