// A sketch of the earlier signed updater, moved over by renaming ArduinoOTA: it must compile.
#include <SecureOTA.h>
#include <WiFi.h>

const unsigned char signing_cert[] = {0x30, 0x00};

UpdateProcessorRFC3161 signatureChecker = UpdateProcessorRFC3161();

void setup() {
  Serial.begin(115200);
  signatureChecker.addTrustedCertAsDER(signing_cert, sizeof(signing_cert));
  SecureOTA.setProcessor(&signatureChecker);
  SecureOTA.setPort(3232);
  SecureOTA.setHostname("some-name");
  SecureOTA.setPassword("secret");
  SecureOTA
      .onStart([]() {
        String type = SecureOTA.getCommand() == U_FLASH ? "sketch" : "filesystem";
        Serial.println(type + " is updated");
      })
      .onEnd([]() { Serial.println("done"); })
      .onProgress([](unsigned int progress, unsigned int total) {
        Serial.printf("%u%%\r", (progress / (total / 100)));
      })
      .onError([](ota_error_t error) {
        if (error == OTA_AUTH_ERROR) {
          Serial.println("Auth Failed");
        } else if (error == OTA_BEGIN_ERROR) {
          Serial.println("Begin Failed");
        } else if (error == OTA_CONNECT_ERROR) {
          Serial.println("Connect Failed");
        } else if (error == OTA_RECEIVE_ERROR) {
          Serial.println("Receive Failed");
        } else if (error == OTA_END_ERROR) {
          Serial.println("End Failed");
        }
      });
  SecureOTA.begin();
  Serial.println(SecureOTA.getHostname());
}

void loop() {
  SecureOTA.handle();
}
