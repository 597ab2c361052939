// The time source, passed in so that tests and virtual clocks never sleep.
#pragma once

namespace batchtune {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual double now() const = 0;  // seconds since an arbitrary start, never going back
};

class SteadyClock final : public Clock {
 public:
  double now() const override;
};

class ManualClock final : public Clock {
 public:
  double now() const override { return now_; }
  void advance(double seconds) { now_ += seconds; }

 private:
  double now_ = 0;
};

}  // namespace batchtune
