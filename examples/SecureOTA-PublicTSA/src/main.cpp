// WARNING: this device accepts firmware from anybody. It trusts a public test server, which signs
// whatever it is sent; a timestamp proves WHEN, never WHO. To play with; then go on to
// BasicSecureOTA.
#include <Arduino.h>
#include <SecureOTA.h>
#include <WiFi.h>

static const char kNetwork[] = "your network";
static const char kPassphrase[] = "its passphrase";

void setup() {
  Serial.begin(115200);
  Serial.println("WARNING: accepts firmware from anybody (it trusts a public timestamp server)");

  WiFi.mode(WIFI_STA);
  WiFi.begin(kNetwork, kPassphrase);
  while (WiFi.waitForConnectResult() != WL_CONNECTED) {
    Serial.println("no WiFi; trying again");
    delay(5000);
    WiFi.begin(kNetwork, kPassphrase);
  }

  // The server's root certificate is compiled in by the build (platformio.ini). To trust a key of
  // your own as well, whose certificate `secureota anchor` writes as a C array:
  //
  //   SecureOTA.addTrustAnchor(signing_cert, sizeof(signing_cert));
  SecureOTA.setHostname("secure-ota");
  SecureOTA.onError([](ota_error_t) {
    const secureota::Error why = SecureOTA.lastError();
    Serial.printf("refused: %s: %s\n", secureota::errorName(why), secureota::errorSentence(why));
  });
  SecureOTA.begin();
  Serial.print("Ready at ");
  Serial.println(WiFi.localIP());
}

void loop() {
  SecureOTA.handle();
}
