// What a verification costs, beside the same work by bare calls of mbedtls: a line of `name=number`
// fields for each case.

#include "bare.h"
#include "batch.h"
#include "board.h"
#include "heap.h"
#include "secureota/container.h"
#include "stack.h"

namespace {

using namespace secureota;

// Both ways of doing it: the same inputs, and room that is the caller's on a device, too.
struct Job {
  const Case* one;
  Bytes token;
  TrustStore anchors;
  VerifiedToken verified;
  BareWork bare;
  void (*work)(Job*);
  bool good;
  uint32_t instructions;
};

void verify(Job* job) {
  job->anchors = TrustStore();
  job->good = true;
  for (size_t i = 0; i < job->one->anchorCount(); ++i) {
    job->good = job->good && job->anchors.add(job->one->anchor(i)) == Error::None;
  }
  job->good = job->good &&
              verifyToken(job->token, job->anchors, job->one->rules, &job->verified) == Error::None;
}

void bare(Job* job) {
  job->good = verifyBare(job->bare);
}

void primitives(Job* job) {
  job->good = primitivesBare(job->bare);
}

// Fields `<who>_instructions`, and so on.
struct Names {
  const char* instructions;
  const char* heap;
  const char* allocations;
  const char* leaked;
  const char* stack;
};
const Names kOurs = {"instructions", "heap", "allocations", "leaked", "stack"};
const Names kBare = {"bare_instructions", "bare_heap", "bare_allocations", "bare_leaked",
                     "bare_stack"};

void run(Job* job) {
  job->work(job);
  if (!job->good) {
    giveUp("a token that was to be measured is not good");
  }
}

void runCounted(void* argument) {
  Job* const job = static_cast<Job*>(argument);
  const uint32_t start = instructions();
  run(job);
  job->instructions = instructions() - start;
}

// The second time: the first one has made the heap's lists what they are from then on.
void measure(void (*work)(Job*), const Names& names, Job* job, uint32_t rounds) {
  job->work = work;
  run(job);
  const size_t before = heapUse.now;
  countHeapAnew();
  const size_t stack = stackOf(runCounted, job);
  sayField(names.instructions, job->instructions);
  sayField(names.heap, heapUse.most - before);
  sayField(names.allocations, heapUse.allocations);
  sayField(names.stack, stack);
  for (uint32_t round = 2; round < rounds; ++round) {
    run(job);
  }
  sayField(names.leaked, heapUse.now - before);
}

Bytes tokenOf(Bytes container) {
  HeaderReader reader;
  size_t taken = 0;
  if (reader.feed(container, &taken) != Error::None || !reader.complete()) {
    giveUp("not a container");
  }
  return Bytes(container.data + taken, reader.header().tokenSize);
}

void prepare(const Case& one, Job* job) {
  job->one = &one;
  job->token = tokenOf(one.container);
  job->bare.anchorCount = one.anchorCount();
  for (size_t i = 0; i < one.anchorCount(); ++i) {
    job->bare.anchors[i] = one.anchor(i);
  }
  if (!takeApart(job->token, &job->bare)) {
    giveUp("not a token");
  }
}

}  // namespace

int main() {
  Batch batch;
  static Case one;
  static Job job;
  while (batch.next(&one)) {
    prepare(one, &job);
    sayField("token", job.token.size);
    measure(verify, kOurs, &job, batch.rounds());
    measure(bare, kBare, &job, 1);
    job.work = primitives;
    sayField("primitives_stack", stackOf(runCounted, &job));
    say("\n");
  }
  return 0;
}
