# Compiles through ccache where it is installed. The sloppiness lets it cache files that use a
# precompiled header (ccache manual, "Precompiled headers").
find_program(ROWSEAL_CCACHE ccache)
if(ROWSEAL_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      "${ROWSEAL_CCACHE}")
endif()
