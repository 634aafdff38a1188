# rowseal_embed_sql(TARGET STORE) compiles the upgrades in src/store/schema/STORE (`0001_name.sql`, …)
# into TARGET. It writes `store/schema/STORE_upgrades.h` and `.cpp`, where a function (`SqliteUpgrades`
# for sqlite) returns them by number. Upgrades are forward-only, so a gap or a number used twice stops
# the build.
function(rowseal_embed_sql target store)
  set(out "${PROJECT_BINARY_DIR}/generated")
  set(folder "src/store/schema/${store}")
  string(SUBSTRING "${store}" 0 1 first)
  string(SUBSTRING "${store}" 1 -1 rest)
  string(TOUPPER "${first}" first)
  set(function "${first}${rest}Upgrades")
  file(GLOB files CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${folder}/*.sql")
  list(SORT files)

  set(entries "")
  set(count 0)
  foreach(file IN LISTS files)
    math(EXPR count "${count} + 1")
    cmake_path(GET file STEM stem)
    if(NOT stem MATCHES "^([0-9][0-9][0-9][0-9])_([a-z0-9_]+)$")
      message(FATAL_ERROR "${file}: an upgrade is named like 0001_what_it_does.sql")
    endif()
    set(name "${CMAKE_MATCH_2}")
    math(EXPR number "1${CMAKE_MATCH_1} - 10000")
    if(NOT number EQUAL count)
      message(FATAL_ERROR "${file}: expected upgrade number ${count}")
    endif()
    file(READ "${file}" sql)
    if(sql MATCHES "\\)sql\"")
      message(FATAL_ERROR "${file}: holds )sql\", which would end its C++ literal")
    endif()
    string(APPEND entries "    {${number}, \"${name}\", R\"sql(${sql})sql\"},\n")
    set_property(DIRECTORY "${PROJECT_SOURCE_DIR}" APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
  endforeach()

  set(header "// Written by cmake/EmbedSql.cmake.
#pragma once

#include <span>

#include \"store/schema/upgrade.h\"

namespace rowseal::schema {

/// ${function} returns the upgrades in ${folder}, by rising format from 1.
std::span<const Upgrade> ${function}();

}  // namespace rowseal::schema
")
  if(count EQUAL 0)
    set(body "  return {};\n")
  else()
    set(body "  static constexpr Upgrade kUpgrades[] = {\n${entries}  };\n  return kUpgrades;\n")
  endif()
  set(source "// Written by cmake/EmbedSql.cmake from ${folder}.
#include \"store/schema/${store}_upgrades.h\"

namespace rowseal::schema {

std::span<const Upgrade> ${function}() {
${body}}

}  // namespace rowseal::schema
")

  foreach(kind IN ITEMS header source)
    set(extension "h")
    if(kind STREQUAL "source")
      set(extension "cpp")
    endif()
    set(path "${out}/store/schema/${store}_upgrades.${extension}")
    file(WRITE "${path}.new" "${${kind}}")
    file(COPY_FILE "${path}.new" "${path}" ONLY_IF_DIFFERENT)
    file(REMOVE "${path}.new")
  endforeach()
  target_sources(${target} PRIVATE "${out}/store/schema/${store}_upgrades.cpp")
  target_include_directories(${target} PRIVATE "${out}")
endfunction()
