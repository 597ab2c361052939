#include "tuner/cli/interrupt.h"

#include <csignal>
#include <initializer_list>

namespace batchtune {
namespace {

std::atomic<bool> interrupted_flag{false};
std::atomic<int> signal_number{0};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free,
              "set by a signal handler");

void on_signal(int number) {
  signal_number = number;
  interrupted_flag = true;
}

void handle(int number, void (*handler)(int), int flags) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigaction(number, &action, nullptr);
}

}  // namespace

InterruptWatch::InterruptWatch() {
  signal_number = 0;
  interrupted_flag = false;
  // SA_RESETHAND: the second one finds the default action.
  for (const int number : {SIGINT, SIGTERM}) handle(number, on_signal, SA_RESETHAND | SA_RESTART);
}

InterruptWatch::~InterruptWatch() {
  for (const int number : {SIGINT, SIGTERM}) handle(number, SIG_DFL, 0);
}

const std::atomic<bool>& InterruptWatch::interrupted() const {
  return interrupted_flag;
}

int InterruptWatch::signal() const {
  return signal_number;
}

}  // namespace batchtune
