// What programs of plugins have beside backend.h: a run in progress can be ended from another
// thread.
#pragma once

namespace batchtune {

class Cancellable {
 public:
  virtual ~Cancellable() = default;
  virtual bool can_cancel() const = 0;  // the plugin has such a function
  // Any thread. A run() in progress ends as `failed` soon; without one nothing happens.
  virtual void cancel() = 0;
};

}  // namespace batchtune
