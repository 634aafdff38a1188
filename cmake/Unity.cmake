# rowseal_unity(TARGET BATCH SOURCE…): compiles the files of a folder together, BATCH files a unit, so that
# the headers they share are read once. A unit never crosses folders: names in anonymous namespaces
# need to differ within one folder only.
function(rowseal_unity target batch)
  if(NOT ROWSEAL_UNITY)
    return()
  endif()
  foreach(source IN LISTS ARGN)
    cmake_path(GET source PARENT_PATH folder)
    # Relative, so that two clones share a compiler cache.
    cmake_path(RELATIVE_PATH folder BASE_DIRECTORY "${PROJECT_SOURCE_DIR}")
    string(MAKE_C_IDENTIFIER "${folder}" folder)
    math(EXPR unit "0${count_${folder}} / ${batch}")
    math(EXPR count_${folder} "0${count_${folder}} + 1")
    set_property(SOURCE "${source}" PROPERTY UNITY_GROUP "${folder}_${unit}")
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()
