#include "tuner/backend/runtime/finder.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <system_error>

namespace batchtune {
namespace {

namespace fs = std::filesystem;

// The loader knows these from its cache alone, which has no interface.
constexpr const char* kFurtherFolders[] = {"/usr/local/lib", "/usr/local/lib64"};
constexpr char kPythonPatience[] = "timeout 20 ";  // of a python3 on a slow disk

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

// "" where there is none: the plain name, else the greatest of those with a version.
std::string library_in(const fs::path& folder, const std::string& file) {
  if (is_file(folder / file)) return (folder / file).string();
  std::string found;
  std::error_code failed;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with(file + ".") && is_file(entry->path()))
      found = std::max(found, entry->path().string());
  }
  return found;
}

// The first line that a command prints; "" when it prints none or fails.
std::string first_line_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "re"), &pclose);
  std::string line;
  if (pipe == nullptr) return line;
  std::array<char, 4096> part{};
  while (std::fgets(part.data(), static_cast<int>(part.size()), pipe.get()) != nullptr) {
    line += part.data();
    if (line.ends_with('\n')) {
      line.pop_back();
      break;
    }
  }
  return line;
}

// Without importing the package, which would load the library.
std::string package_folder(const std::string& python, const std::string& package) {
  if (python.empty()) return "";
  return first_line_of(
      kPythonPatience + python + " -c 'import importlib.util as u; s = u.find_spec(\"" + package +
      "\"); print(s.submodule_search_locations[0] if s else \"\")'" + " 2>/dev/null </dev/null");
}

}  // namespace

LibraryPlaces library_places() {
  LibraryPlaces places;
  void* self = dlopen(nullptr, RTLD_NOW);
  Dl_serinfo size{};
  if (self != nullptr && dlinfo(self, RTLD_DI_SERINFOSIZE, &size) == 0) {
    const auto memory = std::make_unique<std::byte[]>(size.dls_size);
    auto* folders = reinterpret_cast<Dl_serinfo*>(memory.get());
    *folders = size;
    if (dlinfo(self, RTLD_DI_SERINFO, folders) == 0)
      for (unsigned i = 0; i < folders->dls_cnt; ++i)
        places.folders.emplace_back(folders->dls_serpath[i].dls_name);
  }
  if (self != nullptr) dlclose(self);
  for (const char* folder : kFurtherFolders) places.folders.emplace_back(folder);
  return places;
}

Result<FoundLibrary> find_library(const RuntimeLibrary& library, const std::string& given,
                                  const LibraryPlaces& places) {
  const std::string wanted = std::string("the library of ") + library.title;
  if (!given.empty()) {
    if (is_file(given)) return FoundLibrary{given, "given"};
    return environment_error(
        wanted, "no file " + given, "",
        std::string("Give its path: --runtime-library, or $") + library.variable);
  }
  for (const std::string& folder : places.folders)
    if (std::string path = library_in(folder, library.file); !path.empty())
      return FoundLibrary{std::move(path), "the loader's folders"};
  const std::string package = package_folder(places.python, library.package);
  if (!package.empty())
    if (std::string path = library_in(fs::path(package) / library.folder, library.file);
        !path.empty())
      return FoundLibrary{std::move(path),
                          std::string("the package ") + library.package + " of " + places.python};
  return environment_error(
      wanted, std::string("no ") + library.file,
      std::string("--runtime-library and $") + library.variable + " not given; " +
          std::to_string(places.folders.size()) + " folders of the loader; " +
          (package.empty() ? "no package " : "the package ") + library.package + " of " +
          (places.python.empty() ? "any python3" : places.python),
      std::string("Install it (pip install ") + library.package +
          ") or give --runtime-library PATH");
}

}  // namespace batchtune
