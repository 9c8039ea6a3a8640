#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "IPAddress.h"
#include "Print.h"
#include "WString.h"
#include "esp32-hal-log.h"

class HardwareSerial : public Print {
 public:
  void begin(unsigned long baud);
  size_t write(uint8_t c) override;
};
extern HardwareSerial Serial;

class EspClass {
 public:
  void restart();
  uint64_t getEfuseMac();
};
extern EspClass ESP;

extern "C" {
unsigned long millis();
void delay(uint32_t milliseconds);
}
void setup();
void loop();
