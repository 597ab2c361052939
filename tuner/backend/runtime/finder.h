// Where a runtime's shared library lies: as told, in the loader's folders, in a package of python3.
// Loads nothing, so that any process may ask.
#pragma once

#include <string>
#include <vector>

#include "tuner/core/error.h"

namespace batchtune {

// A runtime that others make and users install.
struct RuntimeLibrary {
  const char* title;  // "ONNX Runtime"
  const char* file;   // "libonnxruntime.so": as it is, or with a version after it
  const char*
      variable;         // of the environment, with its path: "BATCHTUNE_ONNXRUNTIME" (cli reads it)
  const char* package;  // of Python that brings it: "onnxruntime"
  const char* folder;   // in that package: "capi"
};

struct FoundLibrary {
  std::string path;
  std::string origin;  // "given", "the loader's folders", "the package onnxruntime of python3"
};

struct LibraryPlaces {
  std::vector<std::string> folders;  // of the loader
  std::string python = "python3";    // a command; "" for none
};
LibraryPlaces library_places();  // of this machine

// `given`: a path that the user named; "" for none. Where one is named no other is looked for.
// Errors say where it was looked for and how it is installed. Asking python3 takes some 50 ms.
Result<FoundLibrary> find_library(const RuntimeLibrary& library, const std::string& given,
                                  const LibraryPlaces& places = library_places());

}  // namespace batchtune
