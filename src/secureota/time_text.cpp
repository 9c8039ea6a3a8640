#include "time_text.h"

namespace secureota {
namespace {

void putDigits(int64_t number, size_t digits, char** at) {
  for (size_t i = digits; i-- > 0;) {
    (*at)[i] = static_cast<char>('0' + number % 10);
    number /= 10;
  }
  *at += digits;
}

bool isLeapYear(int64_t year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int64_t daysInMonth(int64_t year, size_t month) {
  static const int64_t kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return kDays[month] + (month == 1 && isLeapYear(year) ? 1 : 0);
}

}  // namespace

void formatTime(Time time, char out[kTimeTextSize]) {
  const int64_t kSecondsPerDay = 86400;
  const int64_t kDaysFromYear0 = 719528;  // to 1970-01-01
  // Counted from year 0 on nothing is negative, and division rounds the way it is meant.
  const int64_t seconds =
      time / kSecond - (time % kSecond < 0 ? 1 : 0) + kDaysFromYear0 * kSecondsPerDay;
  int64_t days = seconds / kSecondsPerDay;
  const int64_t second = seconds % kSecondsPerDay;
  int64_t year = days / 146097 * 400;
  days %= 146097;
  while (days >= (isLeapYear(year) ? 366 : 365)) {
    days -= isLeapYear(year) ? 366 : 365;
    ++year;
  }
  size_t month = 0;
  while (days >= daysInMonth(year, month)) {
    days -= daysInMonth(year, month);
    ++month;
  }
  char* at = out;
  putDigits(year, 4, &at);
  *at++ = '-';
  putDigits(static_cast<int64_t>(month) + 1, 2, &at);
  *at++ = '-';
  putDigits(days + 1, 2, &at);
  *at++ = 'T';
  putDigits(second / 3600, 2, &at);
  *at++ = ':';
  putDigits(second / 60 % 60, 2, &at);
  *at++ = ':';
  putDigits(second % 60, 2, &at);
  *at++ = 'Z';
  *at = '\0';
}

}  // namespace secureota
