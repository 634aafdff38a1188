# rowseal_compile_options(TARGET): the warnings and sanitizers that every target of ours is built
# with. They are no part of what an installed Rowseal asks of its users.
function(rowseal_compile_options target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion -Wshadow)
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    # g++ leaves this out of -Wconversion for C++; one meaning of the flag for both.
    target_compile_options(${target} PRIVATE -Wno-sign-conversion)
  endif()
  if(ROWSEAL_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(ROWSEAL_SANITIZE)
    rowseal_sanitize(${target} ${ROWSEAL_SANITIZE})
  endif()
endfunction()

function(rowseal_sanitize target sanitizers)
  target_compile_options(${target} PRIVATE
    -fsanitize=${sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(${target} PRIVATE -fsanitize=${sanitizers})
endfunction()

# rowseal_precompile(TARGET HEADER…): reads heavy third-party headers once for all of TARGET's files.
# Only for g++, whose precompiled headers ccache can work with (it needs -fpch-preprocess).
function(rowseal_precompile target)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_precompile_headers(${target} PRIVATE ${ARGN})
    target_compile_options(${target} PRIVATE -fpch-preprocess)
  endif()
endfunction()
