#include "base/environment_names.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/encoding.h"

namespace rowseal {
namespace {

constexpr std::string_view kOwnPrefix = "ROWSEAL_";

// A tenant often chooses the names of secrets. Each of these would let that tenant run code, or
// read or redirect traffic, in whatever program is started with the secrets in its environment. The
// list stands in docs/cli.md; a test compares the two.
constexpr std::array kSteeringNames = {
    SteeringNames{"Rowseal itself", "ROWSEAL_*"},
    SteeringNames{"the dynamic loader and the C library",
                  "LD_* DYLD_* LDR_* _RLD* LIBPATH SHLIB_PATH GLIBC_TUNABLES GCONV_PATH "
                  "GETCONF_DIR LOCPATH PATH_LOCALE NLSPATH LANG LANGUAGE LINGUAS LC_* TZ TZDIR "
                  "MALLOC_* _RJEM_MALLOC_CONF TCMALLOC_* MIMALLOC_* RES_OPTIONS RESOLV_* "
                  "HOSTALIASES LOCALDOMAIN NIS_PATH GMON_OUT_PREFIX LLVM_PROFILE_FILE GCOV_* "
                  "OMP_* KMP_* *_PRELOAD *_LIBRARY_PATH *_SYMBOLIZER_PATH VALGRIND_*"},
    SteeringNames{"where programs find files and themselves",
                  "PATH PATHEXT HOME HOMEDRIVE HOMEPATH USERPROFILE APPDATA LOCALAPPDATA "
                  "PROGRAMDATA SYSTEMROOT WINDIR SYSTEMDRIVE USER LOGNAME PWD OLDPWD TMPDIR TMP "
                  "TEMP TEMPDIR TMPPREFIX XDG_* VIRTUAL_ENV CONDA_* LESSHISTFILE HISTFILE NIX_* "
                  "MODULEPATH MODULESHOME"},
    SteeringNames{"shells",
                  "SHELL COMSPEC IFS CDPATH ENV BASH_* BASHOPTS SHELLOPTS SHLVL PS0 PS1 PS2 PS3 "
                  "PS4 PROMPT RPS1 RPS2 RPROMPT ZDOTDIR ZSH_* FPATH NULLCMD READNULLCMD "
                  "GLOBIGNORE EXECIGNORE FIGNORE FCEDIT HISTCMD HISTCONTROL HISTIGNORE INPUTRC "
                  "MAILPATH MAILCHECK POSIXLY_CORRECT OPTIND TMOUT TIMEFORMAT FISH_* KSH_* ARGV0 "
                  "PSMODULEPATH POWERSHELL_* WSLENV TERM TERMINFO TERMINFO_DIRS TERMCAP TERMPATH "
                  "*_SHELL *_COMMAND"},
    SteeringNames{"an interpreter or a language's runtime",
                  "NODE_* TS_NODE_* TSX_* BABEL_* ELECTRON_* BUN_* DENO_* PRISMA_* PUPPETEER_* "
                  "PLAYWRIGHT_* UV_* PYTHON* IPYTHONDIR JUPYTER_* MPLBACKEND MPLCONFIGDIR "
                  "DJANGO_SETTINGS_MODULE FLASK_* WERKZEUG_* GUNICORN_CMD_ARGS PERL* RUBY* IRBRC "
                  "RBENV_* PHPRC PHP_* LUA_* JAVA_* _JAVA_* JDK_* JRE_* CLASSPATH IBM_JAVA_* "
                  "OPENJ9_JAVA_* CATALINA_* DOTNET_* COR_* CORECLR_* COMPLUS_* COREHOST_* MONO_* "
                  "ASPNETCORE_* ERL_* ELIXIR_* R_* JULIA_* OCAMLRUNPARAM OCAMLPATH GHCRTS GHC_* "
                  "GODEBUG GOTRACEBACK GOGC GOMAXPROCS GOMEMLIMIT RUST_BACKTRACE TCLLIBPATH "
                  "TCL_LIBRARY TK_LIBRARY GUILE_* AWKPATH AWKLIBPATH OCTAVE_* "
                  "CUDA_INJECTION64_PATH JAVACMD LEIN_JAVA_CMD *_CLASSPATH PYSPARK_* "
                  "OTEL_JAVAAGENT_* OTEL_PYTHON_* ELASTIC_APM_PLUGINS_DIR LOG4J_* LOGGING_CONFIG "
                  "SPRING_APPLICATION_JSON SPRING_CLOUD_* SPRING_CONFIG_* SPRING_MAIN_* "
                  "SPRING_PROFILES_* XDEBUG_* WP_CLI_* RELEASE_SYS_CONFIG RELEASE_VM_ARGS "
                  "RELEASE_BOOT_SCRIPT RELEASE_REMOTE_VM_ARGS PRYRC BOOTSNAP_* "
                  "CELERY_CONFIG_MODULE CELERY_LOADER FACTERLIB CAMLRUNPARAM"},
    SteeringNames{"a build tool or a package manager",
                  "NPM_* YARN_* PNPM_* COREPACK_* NVM_* VOLTA_* PIP_* PIPENV_* PYENV_* POETRY_* "
                  "PDM_* GEM_* BUNDLE_* BUNDLER_* COMPOSER_* MAVEN_* M2_HOME GRADLE_* ANT_HOME "
                  "ANT_ARGS SBT_* NUGET_* MSBUILD* CARGO_* RUSTC RUSTC_* RUSTDOC RUSTUP_* GOROOT "
                  "GOPATH GOBIN GOENV GOFLAGS GOPROXY GOSUMDB GONOSUMDB GONOSUMCHECK GONOPROXY "
                  "GOPRIVATE GOINSECURE GOTOOLCHAIN GOTOOLDIR GOTMPDIR GOCACHE GOCACHEPROG "
                  "GOMODCACHE GOWORK GOAUTH GOVCS GOEXPERIMENT GCCGO CGO_* MIX_* HEX_HOME "
                  "HEX_MIRROR CABAL_* OPAM* JULIAUP_* PUB_CACHE PUB_HOSTED_URL FLUTTER_* MAKE "
                  "MAKEFILES MAKEFLAGS GNUMAKEFLAGS MFLAGS MAKEOVERRIDES MAKESHELL CMAKE_* "
                  "CTEST_* PKG_CONFIG* CC CXX LD AR CPP CFLAGS CXXFLAGS CPPFLAGS LDFLAGS "
                  "RUSTFLAGS RUSTDOCFLAGS CPATH C_INCLUDE_PATH CPLUS_INCLUDE_PATH "
                  "OBJC_INCLUDE_PATH LIBRARY_PATH COMPILER_PATH GCC_EXEC_PREFIX CCACHE_* "
                  "SCCACHE_* DISTCC_* HOMEBREW_* SPARK_CONF_DIR *_OPTS *_OPTIONS *_WRAPPER "
                  "CONFIG_SITE GEMRC AS NM STRIP RANLIB OBJCOPY FC F77 LEX YACC M4 CARGO NODE "
                  "APT_CONFIG DPKG_* RPM_* MVNW_* STACK_ROOT STACK_YAML LUAROCKS_*"},
    SteeringNames{"which program another program starts",
                  "*EDITOR VISUAL PAGER BROWSER VIEWER LESS LESSOPEN LESSCLOSE LESSKEY LESSKEYIN "
                  "LESSKEY_SYSTEM LESSEDIT MANPAGER MANOPT MANPATH MORE VIM VIMRUNTIME VIMINIT "
                  "GVIMINIT MYVIMRC EXINIT NVIM_* EMACSLOADPATH EMACSDATA EMACSPATH PSQLRC PSQL_* "
                  "SQLITE_HISTORY RSYNC_RSH RSYNC_CONNECT_PROG CVS_RSH SVN_SSH TAPE XZ_OPT "
                  "XZ_DEFAULTS GZIP BZIP BZIP2 ZIPOPT UNZIP MAGIC GS_LIB MAGICK_* GROFF_* "
                  "TEXINPUTS TEXMF* SUDO_* SYSTEMD_* QT_* GTK_* GDK_* GIO_* GST_* GI_TYPELIB_PATH "
                  "VK_ICD_FILENAMES VK_DRIVER_FILES VK_LAYER_PATH VK_INSTANCE_LAYERS LIBGL_* "
                  "MESA_* DBUS_* DISPLAY XAUTHORITY WAYLAND_DISPLAY CHROME_PATH CHROME_BIN "
                  "*_BINARY_PATH *_EXECUTABLE_PATH *_PLUGIN_PATH *_ASKPASS *_PAGER *_BROWSER ZIP "
                  "UNZIPOPT ZIPINFO ZIPINFOOPT HGMERGE SVN_MERGE P4DIFF P4MERGE BZR_SSH DARCS_SSH "
                  "AUTOSSH_* RIPGREP_CONFIG_PATH MAILRC SCREENRC SYSSCREENRC TEXEDIT TERRAGRUNT_* "
                  "CHROME_EXECUTABLE CYPRESS_* SDL_* QML_* QML2_* OCL_ICD_* LIBVA_* VDPAU_* GBM_* "
                  "__EGL_* __GLX_* ALSA_* PIPEWIRE_* SPA_* GDAL_* QEMU_* LIBVIRT_* UCX_* OMPI_* "
                  "WINE* FI_PROVIDER FI_PROVIDER_PATH *_CMD *_HOME *_RSH *_EXECUTABLE "
                  "*_PASSCOMMAND"},
    SteeringNames{"which certificates are trusted, or where session keys are written",
                  "OPENSSL_* SSL_CERT_FILE SSL_CERT_DIR SSLKEYLOGFILE GNUTLS_* NSS_* SASL_PATH "
                  "SASL_CONF_PATH LDAPTLS_* LDAPCONF LDAPRC KRB5_* KRB5CCNAME P11_KIT_* PGSSL* "
                  "PGGSS* PGREQUIRE* PGCHANNELBINDING *_CA_BUNDLE PKCS11_* OPENSC_* SOFTHSM2_CONF "
                  "TPM2TOOLS_* TSS2_* GRPC_DEFAULT_SSL_ROOTS_FILE_PATH HTTPS_CA_FILE HTTPS_CA_DIR "
                  "SIGSTORE_* *_CACERT *_CAPATH *_SKIP_VERIFY *_SKIP_TLS_VERIFY"},
    SteeringNames{"where connections go",
                  "*_PROXY AWS_ENDPOINT_URL* DOCKER_HOST CONTAINER_HOST DEBUGINFOD_URLS "
                  "AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_EC2_METADATA_SERVICE_ENDPOINT "
                  "AWS_LAMBDA_RUNTIME_API GCE_METADATA_HOST BUILDKIT_HOST CONTAINERD_ADDRESS "
                  "OTEL_EXPORTER_OTLP_ENDPOINT OTEL_EXPORTER_OTLP_TRACES_ENDPOINT "
                  "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT OTEL_EXPORTER_OTLP_LOGS_ENDPOINT "
                  "OTEL_EXPORTER_OTLP_CERTIFICATE"},
    SteeringNames{"the settings of a client program",
                  "GIT_* SSH_AUTH_SOCK SSH_ASKPASS_REQUIRE SSH_SK_PROVIDER SSH_SK_HELPER "
                  "SSH_PKCS11_HELPER HG HGRCPATH HGPLAIN GNUPGHOME GPG_AGENT_INFO CURL_* WGETRC "
                  "SYSTEM_WGETRC NETRC PGSERVICE PGSERVICEFILE PGSYSCONFDIR PGPASSFILE PGOPTIONS "
                  "MYSQL_HOME MYSQL_TEST_LOGIN_FILE LIBMYSQL_* ODBCINI ODBCINSTINI ODBCSYSINI "
                  "TNS_ADMIN ORACLE_HOME REDISCLI_RCFILE AWS_CONFIG_FILE "
                  "AWS_SHARED_CREDENTIALS_FILE CLOUDSDK_* AZURE_CONFIG_DIR AZURE_EXTENSION_DIR "
                  "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES KUBECONFIG KUBECTL_* HELM_* "
                  "DOCKER_CONFIG DOCKER_CONTEXT DOCKER_CERT_PATH DOCKER_TLS* BUILDX_* COMPOSE_* "
                  "CONTAINERS_* BUILDAH_* PODMAN_* TF_CLI_* TF_REATTACH_* TF_DATA_DIR TF_LOG* "
                  "TF_PLUGIN_* ANSIBLE_* VAGRANT_* PACKER_* VAULT_CONFIG_PATH AWS_DATA_PATH "
                  "HTTPIE_CONFIG_DIR PASSWORD_STORE_* KUSTOMIZE_*"},
};

// A service's credentials often begin like a tool's settings, and no setting ends so.
constexpr std::array<std::string_view, 10> kCredentialEndings = {
    "_TOKEN",  "_TOKENS",     "_KEY",  "_SECRET",      "_PASSWORD",
    "_PASSWD", "_PASSPHRASE", "_AUTH", "_CREDENTIALS", "_DSN"};

char UpperCase(char character) noexcept {
  return character >= 'a' && character <= 'z' ? static_cast<char>(character - 0x20) : character;
}

// `upper` is in capitals.
bool EqualIgnoringCase(std::string_view text, std::string_view upper) noexcept {
  return std::equal(text.begin(), text.end(), upper.begin(), upper.end(),
                    [](char a, char b) { return UpperCase(a) == b; });
}

bool BeginsWith(std::string_view text, std::string_view upper) noexcept {
  return EqualIgnoringCase(text.substr(0, upper.size()), upper);
}

bool EndsWith(std::string_view text, std::string_view upper) noexcept {
  return text.size() >= upper.size() &&
         EqualIgnoringCase(text.substr(text.size() - upper.size()), upper);
}

bool EndsLikeACredential(std::string_view name) noexcept {
  return std::any_of(kCredentialEndings.begin(), kCredentialEndings.end(),
                     [&](std::string_view ending) { return EndsWith(name, ending); });
}

bool FitsPattern(std::string_view name, std::string_view pattern) noexcept {
  if (pattern.ends_with('*')) {
    pattern.remove_suffix(1);
    return BeginsWith(name, pattern) && (pattern == kOwnPrefix || !EndsLikeACredential(name));
  }
  if (pattern.starts_with('*')) {
    pattern.remove_prefix(1);
    return EndsWith(name, pattern);
  }
  return EqualIgnoringCase(name, pattern);
}

bool FitsAny(std::string_view name, std::string_view patterns) noexcept {
  while (!patterns.empty()) {
    const std::size_t end = std::min(patterns.find(' '), patterns.size());
    if (FitsPattern(name, patterns.substr(0, end))) {
      return true;
    }
    patterns.remove_prefix(std::min(end + 1, patterns.size()));
  }
  return false;
}

bool IsVariableCharacter(char character) noexcept {
  const char upper = UpperCase(character);
  return (upper >= 'A' && upper <= 'Z') || (character >= '0' && character <= '9') ||
         character == '_';
}

}  // namespace

std::span<const SteeringNames> AllSteeringNames() noexcept { return kSteeringNames; }

std::optional<std::string_view> WhatItSteers(std::string_view name) noexcept {
  for (const SteeringNames& group : kSteeringNames) {
    if (FitsAny(name, group.patterns)) {
      return group.what;
    }
  }
  return {};
}

Result<void> CheckEnvironmentName(const SecretName& name) {
  const std::string& text = name.text();
  const bool begins_with_digit = text.front() >= '0' && text.front() <= '9';
  if (!begins_with_digit && std::all_of(text.begin(), text.end(), IsVariableCharacter)) {
    return {};
  }
  return Fail(ErrorCode::kInvalidArgument,
              "secret '" + Printable(text) + "' cannot be an environment variable",
              "names of variables are letters, digits and '_'; choose others with --only NAME");
}

}  // namespace rowseal
