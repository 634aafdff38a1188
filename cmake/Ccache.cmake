# Compiles through ccache where it is installed. The sloppiness lets it cache files that use a
# precompiled header (ccache manual, "Precompiled headers"); paths below this folder count as relative,
# so that two clones share what one of them compiled.
find_program(ROWSEAL_CCACHE ccache)
if(ROWSEAL_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      "CCACHE_BASEDIR=${CMAKE_CURRENT_SOURCE_DIR}" CCACHE_NOHASHDIR=1
      "${ROWSEAL_CCACHE}")
endif()
