#pragma once

namespace rowseal {

/// LibcryptoIsOwn tells whether OpenSSL's code and this library's lie in the same module: whether a
/// library that was linked statically into a plug-in uses the OpenSSL that was linked with it, and
/// not one that its host exports. Meaningless (false) where OpenSSL is a shared library.
bool LibcryptoIsOwn() noexcept;

}  // namespace rowseal
