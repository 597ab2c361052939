// From what a user writes for a session to its number: "12", the beginning of a UUID, "last",
// "last~2", "last:resnet-50".
#pragma once

#include "storage/detail/database.h"

namespace batchtune::detail {

Result<std::int64_t> resolve(const Database& database, std::string_view text);

}  // namespace batchtune::detail
