# Installs the library (component `dev`) so that an outside project finds it by
# find_package(rowseal CONFIG) or pkg-config, and the program with its man page (component `cli`).
include(CMakePackageConfigHelpers)

set(rowseal_cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/rowseal")
install(TARGETS rowseal EXPORT rowseal-targets
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT dev)
install(DIRECTORY include/rowseal DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
        COMPONENT dev FILES_MATCHING PATTERN "*.h")
install(EXPORT rowseal-targets NAMESPACE rowseal:: DESTINATION "${rowseal_cmake_dir}" COMPONENT dev)

configure_package_config_file(cmake/rowseal-config.cmake.in
  "${PROJECT_BINARY_DIR}/rowseal-config.cmake" INSTALL_DESTINATION "${rowseal_cmake_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/rowseal-config-version.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/rowseal-config.cmake"
              "${PROJECT_BINARY_DIR}/rowseal-config-version.cmake"
        DESTINATION "${rowseal_cmake_dir}" COMPONENT dev)

# The prefix is written relative to the .pc file, so `cmake --install --prefix` may choose another.
file(RELATIVE_PATH rowseal_pc_to_prefix
     "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
configure_file(cmake/rowseal.pc.in "${PROJECT_BINARY_DIR}/rowseal.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/rowseal.pc"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT dev)

if(TARGET rowseal_cli)
  install(TARGETS rowseal_cli RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT cli)
  if(EXISTS "${PROJECT_SOURCE_DIR}/docs/rowseal.1")
    install(FILES docs/rowseal.1 DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" COMPONENT cli)
  endif()
endif()
