#pragma once
#include "esp_err.h"

extern "C" void esp_restart(void) __attribute__((noreturn));
