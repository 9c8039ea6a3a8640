// DER as a tree, for the mutator and for the second opinion about accepted tokens. Written apart
// from the core's readers on purpose: it must not share their mistakes.
#pragma once

#include <vector>

#include "secureota/bytes.h"

namespace fuzz {

typedef std::vector<uint8_t> Buffer;

inline secureota::Bytes bytesOf(const Buffer& buffer) {
  return secureota::Bytes(buffer.data(), buffer.size());
}

struct Node {
  uint8_t tag;
  secureota::Bytes whole;      // where it was read from
  secureota::Bytes contents;   // of that
  std::vector<Node> children;  // of constructed values, and of OCTET STRINGs that hold DER

  // For the mutator: an edited leaf has new contents, and `contents` counts no more.
  bool edited;
  Buffer newContents;
};

// Reads a concatenation. False, and `out` cut short, where it is none.
bool parseTree(secureota::Bytes bytes, std::vector<Node>* out, unsigned depth = 0);

// Writes a value, with its lengths set right, so that it ends before `*end`, and moves `*end` to
// where it begins. False if that would be before `begin`.
bool writeTree(const Node& node, const uint8_t* begin, uint8_t** end);

// All nodes, each before its children.
void listNodes(Node* node, std::vector<Node*>* out);

}  // namespace fuzz
