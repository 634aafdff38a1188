#include "base/environment_names.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "support/paths.h"

namespace rowseal {
namespace {

std::string InOtherCase(std::string_view name) {
  std::string other(name);
  std::ranges::transform(other, other.begin(), [](unsigned char character) {
    return static_cast<char>(std::tolower(character));
  });
  return other;
}

TEST(EnvironmentNames, SteeringOnesAreNamedInAnyCase) {
  for (const std::string_view name : {"LD_PRELOAD",
                                      "LD_AUDIT",
                                      "LD_LIBRARY_PATH",
                                      "DYLD_INSERT_LIBRARIES",
                                      "GLIBC_TUNABLES",
                                      "GCONV_PATH",
                                      "MALLOC_CONF",
                                      "LOCPATH",
                                      "NLSPATH",
                                      "HOSTALIASES",
                                      "RES_OPTIONS",
                                      "TMPDIR",
                                      "PATH",
                                      "HOME",
                                      "IFS",
                                      "CDPATH",
                                      "ENV",
                                      "BASH_ENV",
                                      "SHELLOPTS",
                                      "BASHOPTS",
                                      "PS4",
                                      "PROMPT_COMMAND",
                                      "ZDOTDIR",
                                      "SHELL",
                                      "NODE_OPTIONS",
                                      "NODE_PATH",
                                      "NODE_EXTRA_CA_CERTS",
                                      "NODE_TLS_REJECT_UNAUTHORIZED",
                                      "NPM_CONFIG_SCRIPT_SHELL",
                                      "PYTHONPATH",
                                      "PYTHONSTARTUP",
                                      "PYTHONWARNINGS",
                                      "PERL5OPT",
                                      "PERL5LIB",
                                      "PERL5DB",
                                      "RUBYOPT",
                                      "RUBYLIB",
                                      "GEM_PATH",
                                      "BUNDLE_GEMFILE",
                                      "PHPRC",
                                      "PHP_INI_SCAN_DIR",
                                      "LUA_INIT",
                                      "LUA_CPATH",
                                      "JAVA_TOOL_OPTIONS",
                                      "_JAVA_OPTIONS",
                                      "JDK_JAVA_OPTIONS",
                                      "CLASSPATH",
                                      "DOTNET_STARTUP_HOOKS",
                                      "COR_PROFILER_PATH",
                                      "CORECLR_PROFILER",
                                      "GIT_SSH_COMMAND",
                                      "GIT_CONFIG_COUNT",
                                      "GIT_EXTERNAL_DIFF",
                                      "SSH_ASKPASS",
                                      "SUDO_ASKPASS",
                                      "EDITOR",
                                      "VISUAL",
                                      "PAGER",
                                      "LESSOPEN",
                                      "MANPAGER",
                                      "BROWSER",
                                      "KUBE_EDITOR",
                                      "OPENSSL_CONF",
                                      "OPENSSL_MODULES",
                                      "SSLKEYLOGFILE",
                                      "SSL_CERT_FILE",
                                      "CURL_CA_BUNDLE",
                                      "REQUESTS_CA_BUNDLE",
                                      "HTTPS_PROXY",
                                      "ALL_PROXY",
                                      "NO_PROXY",
                                      "PGSSLMODE",
                                      "PGSSLROOTCERT",
                                      "PGSERVICEFILE",
                                      "PGOPTIONS",
                                      "R_PROFILE",
                                      "JULIA_LOAD_PATH",
                                      "GOFLAGS",
                                      "GOPROXY",
                                      "CARGO_HOME",
                                      "RUSTC_WRAPPER",
                                      "MAKEFLAGS",
                                      "CC",
                                      "TERMINFO",
                                      "KUBECONFIG",
                                      "DOCKER_HOST",
                                      "AWS_CONFIG_FILE",
                                      "ASAN_OPTIONS",
                                      "KAFKA_OPTS",
                                      "XDG_CONFIG_HOME",
                                      "ZIP",
                                      "CONFIG_SITE",
                                      "JAVACMD",
                                      "HGMERGE",
                                      "SVN_MERGE",
                                      "AIRFLOW__CORE__FERNET_KEY_CMD",
                                      "HADOOP_CLASSPATH",
                                      "SPARK_HOME",
                                      "BORG_RSH",
                                      "BORG_PASSCOMMAND",
                                      "OTEL_JAVAAGENT_EXTENSIONS",
                                      "SDL_DYNAMIC_API",
                                      "APT_CONFIG",
                                      "XDEBUG_CONFIG",
                                      "LOG4J_CONFIGURATION_FILE",
                                      "SOFTHSM2_CONF",
                                      "CONSUL_CACERT",
                                      "NOMAD_SKIP_VERIFY",
                                      "GCE_METADATA_HOST",
                                      "SPRING_CONFIG_LOCATION",
                                      "SPRING_APPLICATION_JSON",
                                      "SVN_SSH",
                                      "P4EDITOR",
                                      "HGEDITOR",
                                      "FI_PROVIDER_PATH",
                                      "OTEL_EXPORTER_OTLP_ENDPOINT",
                                      "LIBVA_DRIVERS_PATH",
                                      "TSS2_FAPICONF",
                                      "AZURE_SKIP_TLS_VERIFY",
                                      "ROWSEAL_ROOT",
                                      "ROWSEAL_STATE",
                                      "ROWSEAL_TOKEN",
                                      "ROWSEAL_"}) {
    EXPECT_TRUE(WhatItSteers(name)) << name;
    EXPECT_EQ(WhatItSteers(InOtherCase(name)), WhatItSteers(name)) << name;
  }
}

TEST(EnvironmentNames, OrdinarySecretsPass) {
  for (const std::string_view name : {"DATABASE_URL",
                                      "API_KEY",
                                      "STRIPE_KEY",
                                      "PGPASSWORD",
                                      "PGHOST",
                                      "PGUSER",
                                      "MYSQL_PWD",
                                      "NPM_TOKEN",
                                      "NODE_AUTH_TOKEN",
                                      "GIT_TOKEN",
                                      "GIT_PASSWORD",
                                      "GITHUB_TOKEN",
                                      "LD_SDK_KEY",
                                      "LDAP_PASSWORD",
                                      "NODEMAILER_PASS",
                                      "HOMEPAGE",
                                      "PATHWAY_KEY",
                                      "MY_PATH",
                                      "LOADER",
                                      "AWS_ACCESS_KEY_ID",
                                      "AWS_SECRET_ACCESS_KEY",
                                      "GOOGLE_API_KEY",
                                      "GOOGLE_CLIENT_ID",
                                      "CARGO_REGISTRY_TOKEN",
                                      "GEM_HOST_API_KEY",
                                      "NUGET_API_KEY",
                                      "FLASK_SECRET_KEY",
                                      "PROMPT_TEMPLATE",
                                      "FEATURE_FLAGS",
                                      "SSH_PRIVATE_KEY",
                                      "SSL_KEY",
                                      "SPRING_DATASOURCE_URL",
                                      "CELERY_BROKER_URL",
                                      "BORG_REPO",
                                      "BORG_PASSPHRASE",
                                      "OTEL_EXPORTER_OTLP_HEADERS",
                                      "STRIPE_WEBHOOK_SECRET",
                                      "DEPLOY_SSH",
                                      "SENTRY_DSN",
                                      "SLACK_WEBHOOK_URL",
                                      "SMTP_HOST",
                                      "REDIS_URL",
                                      "ROWSEALED",
                                      "MY_ROWSEAL_ROOT",
                                      "TF_VAR_KEY",
                                      "VAULT_TOKEN",
                                      "DOCKER_PASSWORD",
                                      "USERNAME",
                                      "PASSWORD",
                                      "R2_TOKEN",
                                      "JWT_SECRET",
                                      "ENVIRONMENT",
                                      "SHELLFISH",
                                      "PROXY_URL",
                                      "TERMINAL_ID"}) {
    EXPECT_EQ(WhatItSteers(name), std::nullopt) << name;
  }
}

// What services call their credentials, whatever tool their names begin like.
TEST(EnvironmentNames, CredentialsOfAnyServicePass) {
  for (const std::string service : {"STRIPE", "GITHUB", "NPM", "NODE", "AWS", "GIT", "CYPRESS",
                                    "SDL", "PYTHON", "DOCKER", "ORACLE", "SENTRY", "CELERY", "X"}) {
    for (const std::string ending : {"_TOKEN", "_KEY", "_API_KEY", "_SECRET", "_WEBHOOK_SECRET",
                                     "_SECRET_ACCESS_KEY", "_PASSWORD", "_PASSPHRASE", "_DSN"}) {
      EXPECT_EQ(WhatItSteers(service + ending), std::nullopt) << service << ending;
    }
  }
  for (const std::string_view name : {"DATABASE_URL", "REDIS_URL", "MONGO_URI", "SMTP_USER"}) {
    EXPECT_EQ(WhatItSteers(name), std::nullopt) << name;
  }
}

TEST(EnvironmentNames, EveryPatternIsInTheDocumentation) {
  std::ifstream file(ROWSEAL_SOURCE_DIR "/docs/cli.md");
  std::stringstream page;
  page << file.rdbuf();
  ASSERT_FALSE(page.str().empty());
  for (const SteeringNames& group : AllSteeringNames()) {
    std::string row = "| " + std::string(group.what) + " |";
    std::istringstream patterns{std::string(group.patterns)};
    for (std::string pattern; patterns >> pattern;) {
      row += " `" + pattern + "`";
    }
    EXPECT_NE(page.str().find(row + " |\n"), std::string::npos) << row;
  }
}

TEST(EnvironmentNames, OnlyPortableNamesCanBeVariables) {
  for (const std::string_view name : {"A", "_", "a_1", "API_KEY"}) {
    EXPECT_TRUE(CheckEnvironmentName(*SecretName::Parse(name))) << name;
  }
  for (const std::string_view name :
       {"A=B", "1A", "A B", "A.B", "A-B", "BASH_FUNC_ls%%", "BASH_FUNC_ls()", "é", "A%", "A\\"}) {
    const Result<SecretName> parsed = SecretName::Parse(name);
    ASSERT_TRUE(parsed) << name;
    EXPECT_EQ(CheckEnvironmentName(*parsed).error().code, ErrorCode::kInvalidArgument) << name;
  }
}

}  // namespace
}  // namespace rowseal
