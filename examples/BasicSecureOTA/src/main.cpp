// An ESP32 that takes signed updates over WiFi, and refuses everything else.
//
// Nothing about keys stands here: the build compiles in the certificate that updates must be signed
// with (secureota/anchor.pem).
#include <Arduino.h>
#include <SecureOTA.h>
#include <WiFi.h>

static const char kNetwork[] = "your network";
static const char kPassphrase[] = "its passphrase";

static void connectToWiFi() {
  WiFi.mode(WIFI_STA);
  WiFi.begin(kNetwork, kPassphrase);
  while (WiFi.waitForConnectResult() != WL_CONNECTED) {
    Serial.println("no WiFi; trying again");
    delay(5000);
    WiFi.begin(kNetwork, kPassphrase);
  }
  Serial.print("IP address: ");
  Serial.println(WiFi.localIP());
}

void setup() {
  Serial.begin(115200);
  Serial.println("Built " __DATE__ " " __TIME__);
  connectToWiFi();

  SecureOTA.setHostname("secure-ota");
  // SecureOTA.setPassword("...") would also keep strangers from trying. What is installed is
  // decided by the signature alone.
  SecureOTA
      .onStart([]() {
        Serial.println(SecureOTA.getCommand() == U_FLASH ? "signature accepted: writing firmware"
                                                         : "signature accepted: writing files");
      })
      .onProgress([](unsigned int done, unsigned int total) {
        Serial.printf("\r%u%%", static_cast<unsigned int>(uint64_t(done) * 100 / total));
      })
      .onEnd([]() { Serial.println("\ninstalled; restarting"); })
      .onError([](ota_error_t) {
        const secureota::Error why = SecureOTA.lastError();
        Serial.printf("\nrefused: %s: %s\n", secureota::errorName(why),
                      secureota::errorSentence(why));
      });
  SecureOTA.begin();
}

void loop() {
  SecureOTA.handle();
}
