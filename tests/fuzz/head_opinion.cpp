#include "head_opinion.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <vector>

namespace fuzz {

static std::string trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t");
  const size_t last = text.find_last_not_of(" \t");
  return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

static std::vector<std::string> fields(const std::string& head, const char* name) {
  std::vector<std::string> values;
  const size_t size = strlen(name);
  for (size_t at = head.find("\r\n"); at != std::string::npos; at = head.find("\r\n", at + 2)) {
    if (strncasecmp(head.c_str() + at + 2, name, size) == 0 && head[at + 2 + size] == ':') {
      const size_t from = at + 2 + size + 1;
      values.push_back(trimmed(head.substr(from, head.find("\r\n", from) - from)));
    }
  }
  return values;
}

bool mayUpload(const std::string& head) {
  const std::vector<std::string> hosts = fields(head, "host");
  if (hosts.size() != 1 || fields(head, "x-secureota-kind").size() != 1) {
    return false;
  }
  for (const std::string& origin : fields(head, "origin")) {
    if (!origin.empty() && origin != "http://" + hosts[0]) {
      return false;
    }
  }
  const std::string host = hosts[0].substr(0, hosts[0].find(':'));
  const std::string label = host.substr(0, host.find('.'));
  const bool isAddress = host.find_first_not_of("0123456789.") == std::string::npos;
  return isAddress || strcasecmp(host.c_str(), "localhost") == 0 ||
         strcasecmp(label.c_str(), kDeviceName) == 0;
}

size_t lengthIn(const std::string& head) {
  const std::vector<std::string> lengths = fields(head, "content-length");
  return lengths.empty() ? 0 : strtoull(lengths[0].c_str(), nullptr, 10);
}

unsigned answerIn(const std::string& bytes, std::string* body) {
  const size_t end = bytes.find("\r\n\r\n");
  if (bytes.compare(0, 9, "HTTP/1.1 ") != 0 || end == std::string::npos) {
    return 0;
  }
  const std::vector<std::string> lengths = fields(bytes.substr(0, end + 4), "content-length");
  *body = bytes.substr(end + 4);
  if (lengths.size() != 1 || lengths[0] != std::to_string(body->size()) ||
      bytes.find("HTTP/1.1", 1) != std::string::npos) {
    return 0;
  }
  return static_cast<unsigned>(atoi(bytes.c_str() + 9));
}

}  // namespace fuzz
