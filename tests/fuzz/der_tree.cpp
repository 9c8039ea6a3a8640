#include "der_tree.h"

namespace fuzz {
namespace {

using secureota::Bytes;

const unsigned kMaxDepth = 40;
const uint8_t kConstructed = 0x20;
const uint8_t kOctetString = 0x04;
const uint8_t kHighTagNumber = 0x1f;

// Octets of the header; 0 if there is no whole value.
size_t readHeader(Bytes bytes, size_t* contentsSize) {
  if (bytes.size < 2 || (bytes.data[0] & kHighTagNumber) == kHighTagNumber) {
    return 0;
  }
  size_t header = 2;
  size_t length = bytes.data[1];
  if (length >= 0x80) {
    const size_t count = length - 0x80;
    if (count == 0 || count > 3 || bytes.size < header + count) {
      return 0;
    }
    length = 0;
    for (size_t i = 0; i < count; ++i) {
      length = length * 256 + bytes.data[header + i];
    }
    header += count;
  }
  *contentsSize = length;
  return bytes.size - header >= length ? header : 0;
}

void writeHeader(uint8_t tag, size_t length, Buffer* out) {
  out->push_back(tag);
  if (length >= 0x10000) {
    out->push_back(0x83);
    out->push_back(static_cast<uint8_t>(length >> 16));
    out->push_back(static_cast<uint8_t>(length >> 8));
  } else if (length >= 0x100) {
    out->push_back(0x82);
    out->push_back(static_cast<uint8_t>(length >> 8));
  } else if (length >= 0x80) {
    out->push_back(0x81);
  }
  out->push_back(static_cast<uint8_t>(length));
}

}  // namespace

bool parseTree(Bytes bytes, std::vector<Node>* out, unsigned depth) {
  while (bytes.size != 0) {
    size_t length = 0;
    const size_t header = readHeader(bytes, &length);
    if (header == 0 || depth == kMaxDepth) {
      return false;
    }
    out->push_back(Node());
    Node& node = out->back();
    node.tag = bytes.data[0];
    node.whole = Bytes(bytes.data, header + length);
    node.contents = Bytes(bytes.data + header, length);
    node.edited = false;
    const bool maybeDer = node.tag == kOctetString && length >= 2;
    if ((node.tag & kConstructed) != 0 || maybeDer) {
      if (!parseTree(node.contents, &node.children, depth + 1)) {
        node.children.clear();  // then it is a leaf
      }
    }
    bytes = Bytes(bytes.data + node.whole.size, bytes.size - node.whole.size);
  }
  return true;
}

void writeTree(const Node& node, Buffer* out) {
  Buffer contents;
  if (node.edited) {
    contents = node.newContents;
  } else if (node.children.empty()) {
    contents.assign(node.contents.data, node.contents.data + node.contents.size);
  }
  for (const Node& child : node.children) {
    writeTree(child, &contents);
  }
  writeHeader(node.tag, contents.size(), out);
  out->insert(out->end(), contents.begin(), contents.end());
}

void listNodes(Node* node, std::vector<Node*>* out) {
  out->push_back(node);
  for (Node& child : node->children) {
    listNodes(&child, out);
  }
}

}  // namespace fuzz
