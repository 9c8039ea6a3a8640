#include "supervisor.h"

#if defined(SECUREOTA_PORT_POSIX)

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace secureota {
namespace posix {
namespace {

const char kAlive = '.';
const char kRestart = 'R';
const int kCannotBoot = 2;
const int kNotExecuted = 127;  // as a shell says it

volatile sig_atomic_t childToEnd = 0;

// Who ends the device ends both of its processes. The one that runs may say goodbye to its network;
// if it does not end then, its next report finds nobody, and ends it.
void endBoth(int number) {
  if (childToEnd != 0) {
    (void)::kill(childToEnd, SIGTERM);
  }
  (void)::signal(number, SIG_DFL);
  (void)::raise(number);
}

struct Ending {
  bool restart;  // was asked for
  bool silent;   // the watchdog ended it
  int status;    // of waitpid
};

void say(const std::string& what) {
  printf("boot stage: %s\n", what.c_str());
  fflush(stdout);
}

std::string slotName(int slot) {
  return slot == 0 ? "slot 0" : "slot 1";
}

std::string describe(const Ending& ending) {
  if (ending.restart) {
    return "restarted";
  }
  if (ending.silent) {
    return "hung";
  }
  if (WIFSIGNALED(ending.status) && WTERMSIG(ending.status) == SIGALRM) {
    return "was stopped by the limit";
  }
  return WIFSIGNALED(ending.status)
             ? "crashed (signal " + std::to_string(WTERMSIG(ending.status)) + ")"
             : "ended (status " + std::to_string(WEXITSTATUS(ending.status)) + ")";
}

void execute(const std::string& program, int slot, char** arguments, int reports) {
  std::vector<char*> all;
  for (; *arguments != nullptr; ++arguments) {
    all.push_back(*arguments);
  }
  char option[] = "--booted";
  std::string value = std::to_string(slot) + ":" + std::to_string(reports);
  all.push_back(option);
  all.push_back(&value[0]);
  all.push_back(nullptr);
  (void)execv(program.c_str(), all.data());
  fprintf(stderr, "can't execute slot %d: %s\n", slot, strerror(errno));
  ::_exit(kNotExecuted);
}

bool isOnTrial(Flash* flash, int slot) {
  BootData data;
  return flash->loadBootData(&data) && data.slots[slot].state == SlotState::PendingVerify;
}

// Until the child says that it wants a restart, or ends, or is silent while on trial.
void listenTo(int reports, Flash* flash, int slot, long watchdog, Ending* out) {
  pollfd waiting = {reports, POLLIN, 0};
  for (;;) {
    const int ready = ::poll(&waiting, 1, static_cast<int>(watchdog * 1000));
    if (ready < 0 && errno == EINTR) {
      continue;
    }
    if (ready == 0) {
      if (isOnTrial(flash, slot)) {
        out->silent = true;
        return;
      }
      continue;
    }
    char said[256];
    const ssize_t size = ::read(reports, said, sizeof said);
    if (size <= 0) {
      return;
    }
    if (memchr(said, kRestart, static_cast<size_t>(size)) != nullptr) {
      out->restart = true;
    }
  }
}

bool runOnce(Flash* flash, int slot, char** arguments, long watchdog, Ending* out) {
  const std::string program = flash->extract(slot);
  int pipeEnds[2];
  if (program.empty() || ::pipe(pipeEnds) != 0) {
    perror("can't start a slot");
    return false;
  }
  const pid_t child = ::fork();
  if (child == 0) {
    (void)::close(pipeEnds[0]);
    execute(program, slot, arguments, pipeEnds[1]);
  }
  (void)::close(pipeEnds[1]);
  if (child > 0) {
    childToEnd = child;
    *out = Ending();
    listenTo(pipeEnds[0], flash, slot, watchdog, out);
    if (out->silent) {
      (void)::kill(child, SIGKILL);
    }
    while (::waitpid(child, &out->status, 0) < 0 && errno == EINTR) {
    }
    childToEnd = 0;
  }
  (void)::close(pipeEnds[0]);
  return child > 0;
}

}  // namespace

int supervise(Flash* flash, char** arguments, long watchdog) {
  (void)::signal(SIGTERM, endBoth);
  (void)::signal(SIGINT, endBoth);
  (void)::signal(SIGHUP, endBoth);
  bool wasOnTrial = false;
  int before = -1;
  for (;;) {
    const int slot = flash->reset();
    if (slot < 0) {
      fprintf(stderr, "no slot holds a program\n");
      return kCannotBoot;
    }
    if (wasOnTrial) {
      say(slotName(before) + " was not confirmed; " + slotName(slot) + " runs");
    }
    Ending ending;
    if (!runOnce(flash, slot, arguments, watchdog, &ending)) {
      return kCannotBoot;
    }
    wasOnTrial = isOnTrial(flash, slot);
    before = slot;
    if (wasOnTrial) {
      say(slotName(slot) + " " + describe(ending));
    } else if (!ending.restart) {
      return WIFSIGNALED(ending.status) ? 128 + WTERMSIG(ending.status)
                                        : WEXITSTATUS(ending.status);
    }
  }
}

void Reports::use(int fd) {
  fd_ = fd;
  (void)::fcntl(fd, F_SETFD, FD_CLOEXEC);
  (void)::fcntl(fd, F_SETFL, O_NONBLOCK);
  (void)::signal(SIGPIPE, SIG_IGN);
}

void Reports::send(char what) {
  if (fd_ >= 0 && ::write(fd_, &what, 1) < 0 && errno == EPIPE) {
    ::_exit(0);
  }
}

void Reports::alive() {
  send(kAlive);
}

void Reports::restart() {
  send(kRestart);
  ::_exit(0);
}

}  // namespace posix
}  // namespace secureota

#endif
