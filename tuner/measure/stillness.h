// Waiting until the threads of this process stand still. Those of a runtime go on spinning after a
// run (oneTBB's 0.1 to 1 ms, OpenMP's some ms, ONNX Runtime's 24 ms): they would slow down the next
// program that runs here, and be taken for a neighbour.
#pragma once

namespace batchtune {

class Stillness {
 public:
  // Returns after kSpinPatience (core/process_state.h) at the latest; after two times in a row that
  // this was not enough, hardly waits any more: some runtimes spin for ever.
  void wait();

 private:
  int restless_ = 0;  // times in a row that it did not come
};

}  // namespace batchtune
