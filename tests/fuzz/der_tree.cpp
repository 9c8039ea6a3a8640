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

bool putBefore(const uint8_t* data, size_t size, const uint8_t* begin, uint8_t** end) {
  if (size > static_cast<size_t>(*end - begin)) {
    return false;
  }
  *end -= size;
  if (size != 0) {
    memcpy(*end, data, size);
  }
  return true;
}

bool putHeaderBefore(uint8_t tag, size_t length, const uint8_t* begin, uint8_t** end) {
  uint8_t header[6] = {tag};
  size_t size = 1;
  if (length >= 0x80) {
    const size_t octets = length >= 0x10000 ? 3 : length >= 0x100 ? 2 : 1;
    header[size++] = static_cast<uint8_t>(0x80 + octets);
    for (size_t i = octets; i-- > 1;) {
      header[size++] = static_cast<uint8_t>(length >> (8 * i));
    }
  }
  header[size++] = static_cast<uint8_t>(length);
  return putBefore(header, size, begin, end);
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

bool writeTree(const Node& node, const uint8_t* begin, uint8_t** end) {
  uint8_t* const behind = *end;
  for (size_t i = node.children.size(); i-- > 0;) {
    if (!writeTree(node.children[i], begin, end)) {
      return false;
    }
  }
  const Bytes leaf = node.edited             ? bytesOf(node.newContents)
                     : node.children.empty() ? node.contents
                                             : Bytes();
  return putBefore(leaf.data, leaf.size, begin, end) &&
         putHeaderBefore(node.tag, static_cast<size_t>(behind - *end), begin, end);
}

void listNodes(Node* node, std::vector<Node*>* out) {
  out->push_back(node);
  for (Node& child : node->children) {
    listNodes(&child, out);
  }
}

}  // namespace fuzz
