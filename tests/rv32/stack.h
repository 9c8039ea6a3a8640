// How deep a function goes: the stack below it is painted, and afterwards looked at.
#pragma once

#include <stddef.h>

// Calls work(argument); bytes of stack that it used, from the call on.
size_t stackOf(void (*work)(void*), void* argument);
