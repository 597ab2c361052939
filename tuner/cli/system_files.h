// Reading files of /proc and /sys below a root that tests replace ("" = this machine). What cannot
// be read is empty or absent, never an error. Trap: inside a container the cgroup path of
// /proc/self/cgroup need not exist under /sys/fs/cgroup; then the mounted root is the process's own
// group.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace batchtune {

std::string first_line(const std::string& path);

// The value after "name:" in files such as /proc/cpuinfo and /proc/meminfo.
std::string field(const std::string& path, std::string_view name);

std::optional<double> number(const std::string& text);  // at its beginning

// "0-3,8": 0, 1, 2, 3, 8. Empty for what is no such list.
std::vector<int> cpu_list(const std::string& text);

// Folders of this process's cgroup and its ancestors for a v1 controller, or for v2 ("").
std::vector<std::string> cgroup_folders(const std::string& root, const std::string& controller);

}  // namespace batchtune
