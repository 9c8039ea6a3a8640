#include "gen_time.h"

namespace secureota {
namespace {

const size_t kCalendarDigits = 14;
const size_t kMicrosecondDigits = 6;
const int64_t kSecondsOfDay = 86400;

bool isDigit(uint8_t c) {
  return c >= '0' && c <= '9';
}

bool isLeapYear(int year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int daysInMonth(int year, int month) {
  static const uint8_t kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return kDays[month - 1] + (month == 2 && isLeapYear(year) ? 1 : 0);
}

// Days from 1970-01-01, in the Gregorian calendar. Years begin in March here, so that the leap day
// is a year's last and months are 153 days every five.
int32_t daysFromEpoch(int year, int month, int day) {
  const int shifted = month > 2 ? month - 3 : month + 9;
  const int32_t y = month > 2 ? year : year - 1;
  const int32_t dayOfYear = (153 * shifted + 2) / 5 + day - 1;
  const int32_t kDaysToEpoch = 719468;  // from 0000-03-01
  return y * 365 + y / 4 - y / 100 + y / 400 + dayOfYear - kDaysToEpoch;
}

}  // namespace

bool parseCalendarTime(const uint8_t digits[14], Time* out) {
  int pairs[kCalendarDigits / 2];
  for (size_t i = 0; i < kCalendarDigits; i += 2) {
    if (!isDigit(digits[i]) || !isDigit(digits[i + 1])) {
      return false;
    }
    pairs[i / 2] = (digits[i] - '0') * 10 + (digits[i + 1] - '0');
  }
  const int year = pairs[0] * 100 + pairs[1];
  const int month = pairs[2];
  const int day = pairs[3];
  const int hour = pairs[4];
  const int minute = pairs[5];
  const int second = pairs[6];
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month) ||
      hour > 23 || minute > 59 || second > 59) {
    return false;
  }
  const int32_t secondOfDay = (hour * 60 + minute) * 60 + second;
  *out = (daysFromEpoch(year, month, day) * kSecondsOfDay + secondOfDay) * kSecond;
  return true;
}

Error parseGenTime(Bytes text, Time* out) {
  Time time = 0;
  if (text.size < kCalendarDigits + 1 || text.data[text.size - 1] != 'Z' ||
      !parseCalendarTime(text.data, &time)) {
    return Error::BadGenTime;
  }
  const Bytes fraction(text.data + kCalendarDigits, text.size - kCalendarDigits - 1);
  if (!fraction.empty()) {
    if (fraction.size < 2 || fraction.data[0] != '.' || fraction.data[fraction.size - 1] == '0') {
      return Error::BadGenTime;
    }
    int32_t unit = kSecond;
    int32_t microseconds = 0;
    for (size_t i = 1; i < fraction.size; ++i) {
      if (!isDigit(fraction.data[i])) {
        return Error::BadGenTime;
      }
      if (i <= kMicrosecondDigits) {
        unit /= 10;
        microseconds += (fraction.data[i] - '0') * unit;
      }
    }
    time += microseconds;
  }
  *out = time;
  return Error::None;
}

}  // namespace secureota
