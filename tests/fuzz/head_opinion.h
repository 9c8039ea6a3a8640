// A second opinion about heads of HTTP: of requests that begin an upload, and of answers. Written
// apart from the core's reader.
#pragma once

#include <string>

namespace fuzz {

const char kDeviceName[] = "lamp";

// Does this head come from the device's own page, or from no browser? It names the device by its
// address or its name, has the field that no other site's page can send, and no other origin.
bool mayUpload(const std::string& head);

// The body that a head announces, in bytes.
size_t lengthIn(const std::string& head);

// The status of an answer, and its body; 0 where it is none, or is not as long as it says.
unsigned answerIn(const std::string& bytes, std::string* body);

}  // namespace fuzz
