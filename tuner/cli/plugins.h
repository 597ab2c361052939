// Plugins among the backends that were asked for: a worker loads each once and says what it calls
// itself; from then on it is a backend like others.
#pragma once

#include <string>

#include "tuner/core/error.h"

namespace batchtune {

// "./libmydevice.so:x=1" as "mydevice:plugin=/home/me/libmydevice.so,x=1", and
// find_backend("mydevice") finds it; any other spec as it is. Errors: what is wrong with the
// library or its parameters (plugin/library.h), a name that another backend has.
Result<std::string> named_plugin(const std::string& spec);

}  // namespace batchtune
