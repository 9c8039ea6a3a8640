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

  // One to four changes of the tree, with values of `others` at hand.
  void change(std::vector<Node>* tree, const std::vector<Node*>& others) {
    std::vector<Node*> nodes;
    for (size_t rounds = 1 + below(4); rounds > 0 && !tree->empty(); --rounds) {
      nodes.clear();
      listNodes(&tree->front(), &nodes);
      changeOnce(*nodes[below(nodes.size())], nodes, others);
    }
  }

  size_t below(size_t limit) { return random_() % limit; }

 private:
  void changeOnce(Node& node, const std::vector<Node*>& nodes, const std::vector<Node*>& others) {
    std::vector<Node>& children = node.children;
    const std::vector<Node*>& pool = others.empty() || below(2) == 0 ? nodes : others;
    const Node& donor = *pool[below(pool.size())];
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
        node = Node(donor);  // a copy first: it may lie above the node, or below
        break;
      case 4:
        if (!children.empty()) {
          const Node guest = donor;
          children.insert(children.begin() + static_cast<ptrdiff_t>(below(children.size() + 1)),
                          guest);
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

// Bytes written; 0 if it is nothing, or too much.
size_t write(const std::vector<Node>& tree, uint8_t* out, size_t maxSize) {
  static uint8_t space[32 * 1024];
  uint8_t* const behind = space + sizeof space;
  uint8_t* at = behind;
  for (size_t i = tree.size(); i-- > 0;) {
    if (!writeTree(tree[i], space, &at)) {
      return 0;
    }
  }
  const size_t size = static_cast<size_t>(behind - at);
  if (size > maxSize) {
    return 0;
  }
  memcpy(out, at, size);
  return size;
}

// Most of what the stub's targets see has been repaired: else nothing behind the first digest would
// ever be reached.
void maybeRepair(uint8_t* data, size_t size, Mutation* mutation) {
  if (cryptoIsStub() && mutation->below(8) != 0) {
    repairToken(data, size);
  }
}

}  // namespace

// Changes the token with values of another one at hand, or lets libFuzzer do it.
static size_t mutate(Bytes token, const std::vector<Node*>& others, uint8_t* out, size_t maxSize,
                     unsigned seed) {
  Mutation mutation(seed + 1);
  const Buffer original(token.data, token.data + token.size);  // the tree looks into it
  std::vector<Node> tree;
  size_t written = 0;
  if (mutation.below(4) != 0 && parseTree(bytesOf(original), &tree)) {
    mutation.change(&tree, others);
    written = write(tree, out, maxSize);
  }
  if (written == 0) {
    written = token.size < maxSize ? token.size : maxSize;
    if (written != 0) {
      memcpy(out, original.data(), written);
    }
    written = LLVMFuzzerMutate(out, written, maxSize);
  }
  maybeRepair(out, written, &mutation);
  return written;
}

// The values of the seeds' tokens, which last.
static const std::vector<Node*>& valuesOf(size_t seed) {
  static std::vector<Node> trees[kSeedCount];
  static std::vector<Node*> values[kSeedCount];
  if (values[seed].empty() &&
      parseTree(Bytes(kSeeds[seed].token, kSeeds[seed].tokenSize), &trees[seed])) {
    listNodes(&trees[seed].front(), &values[seed]);
  }
  return values[seed];
}

size_t mutateToken(uint8_t* data, size_t size, size_t maxSize, unsigned seed) {
  return mutate(Bytes(data, size), valuesOf(seed / 7 % kSeedCount), data, maxSize, seed);
}

size_t crossTokens(const uint8_t* data, size_t size, const uint8_t* other, size_t otherSize,
                   uint8_t* out, size_t maxSize, unsigned seed) {
  std::vector<Node> tree;
  std::vector<Node*> values;
  if (parseTree(Bytes(other, otherSize), &tree) && !tree.empty()) {
    listNodes(&tree.front(), &values);
  }
  return mutate(Bytes(data, size), values, out, maxSize, seed);
}

}  // namespace fuzz
