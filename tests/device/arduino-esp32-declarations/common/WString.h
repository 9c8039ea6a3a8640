#pragma once

class String {
 public:
  String(const char* text = "");
  String(const String& other);
  String& operator=(const String& other);
  ~String();
  const char* c_str() const;
  unsigned int length() const;
};
String operator+(const String& left, const char* right);
