#include "board.h"

namespace {

// Operations of semihosting ("Semihosting for AArch32 and AArch64", which RISC-V took over).
const long kWriteText = 0x04;
const long kExitExtended = 0x20;
const uint32_t kApplicationExit = 0x20026;

}  // namespace

extern "C" {

long semihost(long operation, const void* argument);

void leave(int status) {
  const uint32_t block[2] = {kApplicationExit, static_cast<uint32_t>(status)};
  semihost(kExitExtended, block);
  for (;;) {
  }
}

// Where start.S ends up after an exception.
void reportTrap(uint32_t cause, uint32_t at) {
  sayField("trap", cause);
  sayField("at", at);
  giveUp("an exception");
}

void __cxa_pure_virtual(void) {
  giveUp("an abstract function was called");
}

// Static objects are never destroyed: no program ends by returning from exit().
int __cxa_atexit(void (*)(void*), void*, void*) {
  return 0;
}
void* __dso_handle = nullptr;
}

void say(const char* text) {
  semihost(kWriteText, text);
}

void sayNumber(uint32_t number) {
  char digits[11];
  char* at = digits + sizeof digits;
  *--at = 0;
  do {
    *--at = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  say(at);
}

void sayField(const char* name, uint32_t number) {
  say(name);
  say("=");
  sayNumber(number);
  say(" ");
}

void giveUp(const char* why) {
  say("\ngave up: ");
  say(why);
  say("\n");
  leave(3);
}
