#include "tuner/cli/interrupt.h"

#include <csignal>
#include <initializer_list>

namespace batchtune {
namespace {

std::atomic<bool> interrupted_flag{false};
std::atomic<int> signal_number{0};
int watches = 0;  // that live
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free,
              "set by a signal handler");

// Each of the two blocks the other while it is handled.
void handle(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  for (const int number : {SIGINT, SIGTERM}) sigaddset(&action.sa_mask, number);
  for (const int number : {SIGINT, SIGTERM}) sigaction(number, &action, nullptr);
}

void on_signal(int number) {
  signal_number = number;
  interrupted_flag = true;
  handle(SIG_DFL);  // a second one, of either kind, ends the process
}

}  // namespace

InterruptWatch::InterruptWatch() {
  if (watches++ > 0) return;
  signal_number = 0;
  interrupted_flag = false;
  handle(on_signal);
}

InterruptWatch::~InterruptWatch() {
  if (--watches == 0) handle(SIG_DFL);
}

const std::atomic<bool>& InterruptWatch::interrupted() const {
  return interrupted_flag;
}

int InterruptWatch::signal() const {
  return signal_number;
}

}  // namespace batchtune
