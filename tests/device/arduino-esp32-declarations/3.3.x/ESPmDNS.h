#pragma once
#include "Arduino.h"

class MDNSResponder {
 public:
  bool begin(const char* hostName);
  bool begin(const String& hostName);
  void end();
  void enableArduino(uint16_t port = 3232, bool auth = false);
  bool addServiceTxt(char* name, char* proto, char* key, char* value);
  bool addServiceTxt(const char* name, const char* proto, const char* key, const char* value);
};
extern MDNSResponder MDNS;
