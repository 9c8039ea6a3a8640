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
  bool good;
};

void verify(void* argument) {
  Job* const job = static_cast<Job*>(argument);
  job->anchors = TrustStore();
  job->good = true;
  for (size_t i = 0; i < job->one->anchorCount(); ++i) {
    job->good = job->good && job->anchors.add(job->one->anchor(i)) == Error::None;
  }
  job->good = job->good &&
              verifyToken(job->token, job->anchors, job->one->rules, &job->verified) == Error::None;
}

void bare(void* argument) {
  Job* const job = static_cast<Job*>(argument);
  job->good = verifyBare(job->bare);
}

void primitives(void* argument) {
  Job* const job = static_cast<Job*>(argument);
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

void run(void (*work)(void*), Job* job) {
  work(job);
  if (!job->good) {
    giveUp("a token that was to be measured is not good");
  }
}

void measure(void (*work)(void*), const Names& names, Job* job, uint32_t rounds) {
  const size_t before = heapUse.now;
  countHeapAnew();
  const uint32_t start = instructions();
  run(work, job);
  const uint32_t end = instructions();
  sayField(names.instructions, end - start);
  sayField(names.heap, heapUse.most - before);
  sayField(names.allocations, heapUse.allocations);
  for (uint32_t round = 1; round < rounds; ++round) {
    run(work, job);
  }
  sayField(names.leaked, heapUse.now - before);
  sayField(names.stack, stackOf(work, job));
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
    sayField("primitives_stack", stackOf(primitives, &job));
    say("\n");
  }
  return 0;
}
