#pragma once
#include <stddef.h>
#include <stdint.h>

#include "IPAddress.h"
#include "WString.h"

class Print {
 public:
  virtual ~Print();
  virtual size_t write(uint8_t c) = 0;
  virtual size_t write(const uint8_t* buffer, size_t size);
  virtual void flush();
  size_t printf(const char* format, ...) __attribute__((format(printf, 2, 3)));
  size_t print(const char* text);
  size_t print(const String& text);
  size_t print(const IPAddress& address);
  size_t println(const char* text);
  size_t println(const String& text);
  size_t println(const IPAddress& address);
  size_t println();
};
