#include "http_opinion.h"

#include <stdlib.h>
#include <strings.h>

namespace fuzz {

void HttpOpinion::connection() {
  head_.clear();
  inBody_ = false;
  left_ = 0;
  status_ = 0;
}

void HttpOpinion::hear(secureota::Bytes bytes) {
  began_ = false;
  for (size_t i = 0; i < bytes.size; ++i) {
    if (inBody_) {
      if (left_ != 0) {
        --left_;
        file_.push_back(bytes.data[i]);
      }
      continue;
    }
    head_ += static_cast<char>(bytes.data[i]);
    if (head_.size() >= 4 && head_.compare(head_.size() - 4, 4, "\r\n\r\n") == 0) {
      judge();
      head_.clear();
    }
  }
}

void HttpOpinion::judge() {
  status_ = head_.size() > 12 ? static_cast<unsigned>(atoi(head_.c_str() + 9)) : 0;
  const std::string length = field("content-length");
  if (status_ == 200) {
    file_.clear();
    began_ = true;
    inBody_ = true;
    left_ = strtoull(length.c_str(), nullptr, 10);
  } else if (status_ == 206) {
    inBody_ = true;
    left_ = length.empty() ? UINT64_MAX : strtoull(length.c_str(), nullptr, 10);
  }
}

std::string HttpOpinion::field(const char* name) const {
  const size_t size = strlen(name);
  for (size_t at = head_.find('\n'); at != std::string::npos; at = head_.find('\n', at + 1)) {
    const char* const line = head_.c_str() + at + 1;
    if (strncasecmp(line, name, size) == 0 && line[size] == ':') {
      const size_t start = at + 1 + size + 1;
      return head_.substr(start, head_.find('\r', start) - start);
    }
  }
  return "";
}

}  // namespace fuzz
