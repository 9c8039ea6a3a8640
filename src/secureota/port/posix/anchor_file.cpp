#if !defined(ARDUINO) && (defined(__unix__) || defined(__APPLE__))

#include "anchor_file.h"

#include <stdio.h>
#include <stdlib.h>

namespace secureota {
namespace {

const char kBegin[] = "-----BEGIN CERTIFICATE-----";
const char kEnd[] = "-----END CERTIFICATE-----";

int base64Value(uint8_t c) {
  static const char kAlphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char* const at = c == 0 ? nullptr : strchr(kAlphabet, c);
  return at == nullptr ? -1 : static_cast<int>(at - kAlphabet);
}

// Decodes in place (four characters become three bytes) and returns the size; false for anything
// that is neither base64 nor white space.
bool decodeBase64(uint8_t* text, size_t size, size_t* decodedSize) {
  uint32_t bits = 0;
  unsigned bitCount = 0;
  size_t out = 0;
  for (size_t i = 0; i < size; ++i) {
    if (strchr(" \t\r\n=", text[i]) != nullptr && text[i] != 0) {
      continue;
    }
    const int value = base64Value(text[i]);
    if (value < 0) {
      return false;
    }
    bits = bits << 6 | static_cast<uint32_t>(value);
    bitCount += 6;
    if (bitCount >= 8) {
      bitCount -= 8;
      text[out++] = static_cast<uint8_t>(bits >> bitCount);
    }
  }
  *decodedSize = out;
  return true;
}

bool addCertificate(Bytes der, TrustStore* anchors, const char** why) {
  const Error error = anchors->add(der);
  if (error != Error::None) {
    *why = errorSentence(error);
    return false;
  }
  return true;
}

bool addPem(char* text, TrustStore* anchors, const char** why) {
  bool found = false;
  for (char* at = text; (at = strstr(at, kBegin)) != nullptr;) {
    char* const body = at + strlen(kBegin);
    char* const end = strstr(body, kEnd);
    size_t size = 0;
    uint8_t* const bytes = reinterpret_cast<uint8_t*>(body);
    if (end == nullptr || !decodeBase64(bytes, static_cast<size_t>(end - body), &size)) {
      *why = "the file is not PEM";
      return false;
    }
    if (!addCertificate(Bytes(bytes, size), anchors, why)) {
      return false;
    }
    found = true;
    at = end + strlen(kEnd);
  }
  *why = "there is no certificate in the file";
  return found;
}

}  // namespace

uint8_t* readFile(const char* path, size_t* size) {
  FILE* const file = fopen(path, "rb");
  if (file == nullptr) {
    return nullptr;
  }
  uint8_t* bytes = nullptr;
  size_t capacity = 0;
  size_t used = 0;
  bool good = true;
  while (good && feof(file) == 0) {
    if (used == capacity) {
      capacity = capacity == 0 ? 64 * 1024 : capacity * 2;
      uint8_t* const larger = static_cast<uint8_t*>(realloc(bytes, capacity));
      good = larger != nullptr;
      bytes = good ? larger : bytes;
      continue;
    }
    used += fread(bytes + used, 1, capacity - used, file);
    good = ferror(file) == 0;
  }
  fclose(file);
  if (!good) {
    free(bytes);
    return nullptr;
  }
  *size = used;
  return bytes;
}

bool addAnchorFile(const char* path, TrustStore* anchors, const char** why) {
  size_t size = 0;
  uint8_t* bytes = readFile(path, &size);
  if (bytes == nullptr) {
    *why = "the file can't be read";
    return false;
  }
  if (size == 0 || bytes[0] == 0x30) {  // DER: a SEQUENCE
    return addCertificate(Bytes(bytes, size), anchors, why);
  }
  uint8_t* const terminated = static_cast<uint8_t*>(realloc(bytes, size + 1));
  if (terminated == nullptr) {
    free(bytes);
    *why = "there is not enough memory";
    return false;
  }
  terminated[size] = 0;
  return addPem(reinterpret_cast<char*>(terminated), anchors, why);
}

}  // namespace secureota

#endif
