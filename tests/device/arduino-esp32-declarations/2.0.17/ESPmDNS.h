#pragma once
#include "Arduino.h"

class MDNSResponder {
 public:
  bool begin(const char* hostName);
  void end();
  void enableArduino(uint16_t port = 3232, bool auth = false);
  bool addServiceTxt(char* name, char* proto, char* key, char* value);
  // The other two forms answer nothing.
  void addServiceTxt(const char* name, const char* proto, const char* key, const char* value);
  void addServiceTxt(String name, String proto, String key, String value);
};
extern MDNSResponder MDNS;
