// What a backend would have done with a model at the end, where its worker did not live to do it.
#pragma once

#include <functional>

#include "tuner/measure/protocol.h"

namespace batchtune {

// Called with what the worker was asked to load, once it is gone and before another is started. May be empty.
using CleanUp = std::function<void(const protocol::Load& load)>;

}  // namespace batchtune
