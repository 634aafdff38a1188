#pragma once

#include <optional>
#include <span>
#include <string_view>

#include <rowseal/error.h>
#include <rowseal/ids.h>

namespace rowseal {

/// SteeringNames is a group of environment variables that change what programs do, not only what
/// they know: which code they load, which program they start, whom they trust, where they connect.
/// `patterns` are names separated by blanks; `*` at the end or the beginning stands for any text.
struct SteeringNames {
  std::string_view what;  ///< completes "it steers …"
  std::string_view patterns;
};

/// AllSteeringNames lists every group. The sources of the list are the variables that glibc drops
/// for set-user-ID programs, those that sudo drops, and the manuals of the programs named.
std::span<const SteeringNames> AllSteeringNames() noexcept;

/// WhatItSteers tells what a variable of this name steers, or nothing for an ordinary name. Case is
/// ignored, as npm, proxies' users and Windows do. A name that ends like a credential
/// (`NODE_AUTH_TOKEN`, `LD_SDK_KEY`) is ordinary where only a pattern with `*` at its end fits,
/// except for Rowseal's own settings.
std::optional<std::string_view> WhatItSteers(std::string_view name) noexcept;

/// CheckEnvironmentName refuses what is no name of an environment variable: letters, digits and
/// `_`, not beginning with a digit. So no name holds `=` or makes a shell function
/// (`BASH_FUNC_x%%`). Errors: kInvalidArgument.
Result<void> CheckEnvironmentName(const SecretName& name);

}  // namespace rowseal
