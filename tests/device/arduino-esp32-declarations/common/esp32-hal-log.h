#pragma once

#if !defined(CORE_DEBUG_LEVEL)
#define CORE_DEBUG_LEVEL 0
#endif
#if CORE_DEBUG_LEVEL >= 3
extern "C" int log_printf(const char* format, ...) __attribute__((format(printf, 1, 2)));
#define log_i(format, ...) log_printf(format, ##__VA_ARGS__)
#else
#define log_i(format, ...) \
  do {                     \
  } while (0)
#endif
