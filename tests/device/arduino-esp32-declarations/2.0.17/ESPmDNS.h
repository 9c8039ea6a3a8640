#pragma once
#include "Arduino.h"

class MDNSResponder {
 public:
  bool begin(const char* hostName);
  void end();
  void enableArduino(uint16_t port = 3232, bool auth = false);
  // Two forms: this one answers nothing.
  bool addServiceTxt(char* name, char* proto, char* key, char* value);
  void addServiceTxt(const char* name, const char* proto, const char* key, const char* value);
};
extern MDNSResponder MDNS;
