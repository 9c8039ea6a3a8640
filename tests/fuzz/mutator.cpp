#include "mutator.h"

#include <random>

#include "crypto_mode.h"
#include "der_tree.h"
#include "repair.h"
#include "world.h"

namespace fuzz {
namespace {

using secureota::Bytes;

const size_t kMaxLeaf = 600;  // bytes to which one value may grow

class Mutation {
 public:
  explicit Mutation(unsigned seed) : random_(seed) {}

  // One to four changes of the tree, with values of `donors` at hand.
  void change(std::vector<Node>* tree, std::vector<Node>* donors) {
    for (size_t rounds = 1 + below(4); rounds > 0 && !tree->empty(); --rounds) {
      std::vector<Node*> nodes;
      std::vector<Node*> others;
      listNodes(&tree->front(), &nodes);
      if (!donors->empty()) {
        listNodes(&donors->front(), &others);
      }
      changeOnce(*nodes[below(nodes.size())], nodes, others);
    }
  }

  size_t below(size_t limit) { return random_() % limit; }

 private:
  void changeOnce(Node& node, const std::vector<Node*>& nodes, const std::vector<Node*>& others) {
    std::vector<Node>& children = node.children;
    const std::vector<Node*>& pool = others.empty() || below(2) == 0 ? nodes : others;
    const Node donor = *pool[below(pool.size())];  // a copy: it may lie above the node
    switch (below(7)) {
      case 0:
        if (!children.empty()) {
          children.erase(children.begin() + static_cast<ptrdiff_t>(below(children.size())));
          node.edited = children.empty();  // nothing is left: not what was read
        }
        break;
      case 1:
        if (!children.empty()) {
          const Node twin = children[below(children.size())];
          children.insert(children.begin() + static_cast<ptrdiff_t>(below(children.size())), twin);
        }
        break;
      case 2:
        if (!children.empty()) {
          std::swap(children[below(children.size())], children[below(children.size())]);
        }
        break;
      case 3:
        node = donor;
        break;
      case 4:
        if (!children.empty()) {
          children.insert(children.begin() + static_cast<ptrdiff_t>(below(children.size() + 1)),
                          donor);
        }
        break;
      case 5:
        node.tag = below(3) == 0 ? static_cast<uint8_t>(random_()) : donor.tag;
        break;
      default:
        editLeaf(&node);
        break;
    }
  }

  void editLeaf(Node* node) {
    if (!node->children.empty()) {
      return;
    }
    Buffer contents = node->newContents;
    if (!node->edited) {
      contents.assign(node->contents.data, node->contents.data + node->contents.size);
    }
    const size_t size = contents.size();
    contents.resize(size < kMaxLeaf ? kMaxLeaf : size);
    contents.resize(LLVMFuzzerMutate(contents.data(), size, contents.size()));
    node->newContents = contents;
    node->edited = true;
  }

  std::minstd_rand random_;
};

size_t write(const std::vector<Node>& tree, uint8_t* out, size_t maxSize) {
  Buffer bytes;
  for (const Node& node : tree) {
    writeTree(node, &bytes);
  }
  if (bytes.empty() || bytes.size() > maxSize) {
    return 0;
  }
  memcpy(out, bytes.data(), bytes.size());
  return bytes.size();
}

// Most of what the stub's targets see has been repaired: else nothing behind the first digest would
// ever be reached.
void maybeRepair(uint8_t* data, size_t size, Mutation* mutation) {
  if (cryptoIsStub() && mutation->below(8) != 0) {
    repairToken(data, size);
  }
}

}  // namespace

size_t mutateToken(uint8_t* data, size_t size, size_t maxSize, unsigned seed) {
  const Seed& other = kSeeds[seed / 7 % kSeedCount];
  return crossTokens(data, size, other.token, other.tokenSize, data, maxSize, seed);
}

size_t crossTokens(const uint8_t* data, size_t size, const uint8_t* other, size_t otherSize,
                   uint8_t* out, size_t maxSize, unsigned seed) {
  Mutation mutation(seed + 1);
  const Buffer original(data, data + size);  // the tree looks into it
  std::vector<Node> tree;
  std::vector<Node> donors;
  size_t written = 0;
  if (mutation.below(4) != 0 && parseTree(bytesOf(original), &tree)) {
    (void)parseTree(Bytes(other, otherSize), &donors);
    mutation.change(&tree, &donors);
    written = write(tree, out, maxSize);
  }
  if (written == 0) {
    written = size < maxSize ? size : maxSize;
    if (written != 0) {
      memmove(out, original.data(), written);
    }
    written = LLVMFuzzerMutate(out, written, maxSize);
  }
  maybeRepair(out, written, &mutation);
  return written;
}

}  // namespace fuzz
