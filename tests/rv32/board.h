// What there is of a machine: a counter of instructions, a line out, and an end.
#pragma once

#include <stdint.h>

extern "C" {

// Instructions retired so far, modulo 2^32. Exact, because QEMU runs with -icount.
uint32_t instructions(void);

// Ends the run; `status` becomes QEMU's exit status.
void leave(int status) __attribute__((noreturn));
}

// Text to QEMU's standard output.
void say(const char* text);
void sayNumber(uint32_t number);

// `name=number ` of a line of results.
void sayField(const char* name, uint32_t number);

// Says why there are no results, and ends the run.
void giveUp(const char* why) __attribute__((noreturn));
