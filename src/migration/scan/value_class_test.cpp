#include "migration/scan/value_class.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "migration/scan/name_class.h"

namespace rowseal {
namespace {

struct Example {
  const char* what;
  std::string_view value;
  Shape shape;
};

// What scanners of repositories look for is written in two parts, so that they do not find it here.
constexpr auto kExamples = std::to_array<Example>({
    // Tokens that say what they are.
    {"GitHub personal",
     "gh"
     "p_"
     "16C7e42F292c6912E7710c838347Ae178B4a",
     Shape::kGithubToken},
    {"GitHub app",
     "gh"
     "s_"
     "16C7e42F292c6912E7710c838347Ae178B4a",
     Shape::kGithubToken},
    {"GitHub fine-grained",
     "github"
     "_pat_11ABCDEFG0aBcDeFgHiJkL_mNoPqRsTuVwXyZ01234",
     Shape::kGithubToken},
    {"GitLab",
     "gl"
     "pat-Yx3kP9qLm2Vt7Rb4Wz8N",
     Shape::kGitlabToken},
    {"Stripe live",
     "sk"
     "_live_4eC39HqLyjWDarjtT1zdp7dc",
     Shape::kStripeKey},
    {"Stripe restricted",
     "rk"
     "_test_51H8sJ2KdYw9QbXcVn",
     Shape::kStripeKey},
    {"Stripe behind a newline",
     "sk"
     "_live_4eC39HqLyjWDarjtT1zdp7dc\n",
     Shape::kStripeKey},
    {"Slack bot",
     "xo"
     "xb-2464212157-3419873201-aBcDeFgHiJkLmNoP",
     Shape::kSlackToken},
    {"Slack app",
     "xa"
     "pp-1-A01BCDEF2GH-1234567890-abcdef0123456789",
     Shape::kSlackToken},
    {"AWS key id",
     "AK"
     "IAIOSFODNN7EXAMPLE",
     Shape::kAwsKeyId},
    {"AWS secret", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", Shape::kAwsSecretKey},
    {"Google",
     "AI"
     "zaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY",
     Shape::kGoogleKey},
    {"OpenAI project",
     "sk"
     "-proj-Tb3kQ9aVxC72LmNpRs45DfGh",
     Shape::kOpenAiKey},
    {"npm",
     "np"
     "m_"
     "16C7e42F292c6912E7710c838347Ae178B4a",
     Shape::kServiceToken},
    {"SendGrid",
     "SG."
     "ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf-09kqeF8tAmbihYzrnopKc-1s5cr",
     Shape::kServiceToken},
    {"Vault",
     "hv"
     "s.CAESIJ2x8kQ1vTz7LmNpRs45DfGhQ",
     Shape::kServiceToken},
    {"webhook secret",
     "wh"
     "sec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
     Shape::kWebhookSecret},
    {"webhook secret, padded",
     "wh"
     "sec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS=",
     Shape::kWebhookSecret},
    {"JWT",
     "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0."
     "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
     Shape::kJwt},
    {"RSA key",
     "-----BEGIN RSA PRIVATE"
     " KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----\n",
     Shape::kPrivateKey},
    {"PKCS#8 key",
     "-----BEGIN PRIVATE"
     " KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----",
     Shape::kPrivateKey},
    {"OpenSSH key",
     "-----BEGIN OPENSSH PRIVATE"
     " KEY-----\nb3BlbnNzaC1rZXk\n",
     Shape::kPrivateKey},
    // Headers and URLs.
    {"Bearer", "Bearer mF_9.B5f-4.1JqM", Shape::kAuthorization},
    {"Bearer and a token",
     "Bearer gh"
     "p_"
     "16C7e42F292c6912E7710c838347Ae178B4a",
     Shape::kAuthorization},
    {"Basic", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", Shape::kAuthorization},
    {"Token in Django", "Token 9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b", Shape::kAuthorization},
    {"database URL", "postgres://app:s3cr3t@db.example.com:5432/app", Shape::kUrlWithPassword},
    {"https URL", "https://user:hunter22@hooks.example.com/in", Shape::kUrlWithPassword},
    {"URL with a key", "https://api.example.com/v1?limit=5&api_key=a81bc81bdead4e5d",
     Shape::kUrlWithToken},
    {"Slack webhook",
     "https://hooks.slack.com/services/T"
     "01ABCDEF/B02ABCDEF/aBcDeFgHiJkLmNoPqRsTuVwX",
     Shape::kUrlWithToken},
    {"Discord webhook", "https://discord.com/api/webhooks/10123/aBcD-eFgH", Shape::kUrlWithToken},
    {"otpauth", "otpauth://totp/Acme:a@example.com?secret=JBSWY3DPEHPK3PXP&issuer=Acme",
     Shape::kOtpUrl},
    {"a token in a body",
     "{\"amount\": 1, \"key\": \"sk"
     "_live_4eC39HqLyjWDarjtT1zdp7dc\"}",
     Shape::kTextWithSecret},
    {"a token in a command", "curl -H 'Authorization: Bearer aB3dE5fG7hI9jK1lM3nO5pQ7' https://x",
     Shape::kTextWithSecret},
    // Random characters.
    {"TOTP", "JBSWY3DPEHPK3PXP", Shape::kBase32},
    {"128 bits in hexadecimal", "5f4dcc3b5aa765d61d8327deb882cf99", Shape::kHex},
    {"SHA-256 of a file", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
     Shape::kHex},
    {"upper hexadecimal", "5F4DCC3B5AA765D61D8327DEB882CF99", Shape::kHex},
    {"256 bits in base64", "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=", Shape::kBase64},
    {"base64url", "q83vEjRWeJC7zd4vASNFZ4mrze-_Aa9K2mQ", Shape::kBase64},
    {"letters and digits", "k3j9x2m8q7w1z5v4b6n0t8r2", Shape::kRandom},
    {"random bytes",
     std::string_view("\x8f\x1a\xc3\x00\x97\xe2\x44\xb9\xd0\x6f\xfe\x21\x85\x3c\xaa\x10\x5b\xe8",
                      18),
     Shape::kRandomBytes},
    {"a password", "correct!Horse7", Shape::kOpaque},
    {"a short password", "hunter2!Zx9", Shape::kOpaque},
    {"base64 of a text", "dXNlcjpwYXNzd29yZDEyMw==", Shape::kBase64Text},
    // Protected already.
    {"sealed", "rs1.AQEBAAAAAAAAAAAAAAAAAAAAAAAAAAAA", Shape::kSealed},
    {"moved", "moved to rowseal", Shape::kSealed},
    {"node:crypto", "8f3a1b2c4d5e6f708192a3b4:5f4dcc3b5aa765d61d8327deb882cf99:9f86d081884c7d65",
     Shape::kGcmCipher},
    {"node:crypto, CBC", "5f4dcc3b5aa765d61d8327deb882cf99:9f86d081884c7d659a2feaa0c55ad015",
     Shape::kCbcCipher},
    {"enc:v1:", "enc:v1:q83vEjRWeJC7zd4vASNFZ4mrze", Shape::kPrefixedCipher},
    {"CryptoJS", "U2FsdGVkX1+vupppZksvRf5pq5g5XjFRlipRkwB0K1Y=", Shape::kOpenSslCipher},
    {"Fernet", "gAAAAABh3kQ9aVxC72LmNpRs45DfGh8sJ2KdYw9QbXcVn", Shape::kOtherCipher},
    {"Vault transit", "vault:v1:q83vEjRWeJC7zd4vASNFZ4mrze", Shape::kPrefixedCipher},
    {"bcrypt", "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
     Shape::kPasswordHash},
    {"argon2", "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG",
     Shape::kPasswordHash},
    {"Django's PBKDF2", "pbkdf2_sha256$260000$abcdefghij$q83vEjRWeJC7zd4v", Shape::kPasswordHash},
    {"SCRAM", "SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy", Shape::kPasswordHash},
    // References.
    {"a template", "{{secrets.STRIPE_KEY}}", Shape::kReference},
    {"a template in a header", "Bearer {{ secrets.STRIPE_KEY }}", Shape::kReference},
    {"an environment variable", "${API_KEY}", Shape::kReference},
    // Everything else.
    {"uuid", "f47ac10b-58cc-4372-a567-0e02b2c3d479", Shape::kUuid},
    {"ISO date", "2026-01-20T15:04:05.123Z", Shape::kNumber},
    {"date", "2026-01-20", Shape::kNumber},
    {"decimal", "-12345.678", Shape::kNumber},
    {"JSON number", "1e10", Shape::kNumber},
    {"phone", "+49 (170) 123-4567", Shape::kNumber},
    {"version", "1.22.3", Shape::kNumber},
    {"IPv4", "192.168.178.1/24", Shape::kNumber},
    {"IPv6", "2001:db8::8a2e:370:7334", Shape::kNumber},
    {"MAC", "00:1b:63:84:45:e6", Shape::kNumber},
    {"email", "first.last+tag@example.co.uk", Shape::kEmail},
    {"URL", "https://example.com/a/b?page=2&sort=name", Shape::kUrl},
    {"URL with a template", "https://api.example.com/?token={{secrets.TOKEN}}", Shape::kReference},
    {"sentence", "The quick brown fox jumps over the lazy dog.", Shape::kSentence},
    {"two words", "Hello World", Shape::kSentence},
    {"German sentence", "Die Bestellung wurde am Montag übermittelt.", Shape::kSentence},
    {"German word", "Größenänderung", Shape::kWord},
    {"Bearer as a word", "bearer of bad news", Shape::kSentence},
    {"basic as a word", "Basic economics", Shape::kSentence},
    {"word", "production", Shape::kWord},
    {"slug", "my-first-workflow-2", Shape::kWord},
    {"event", "invoice.payment_failed", Shape::kWord},
    {"camel case", "MyVeryLongWorkflowDefinitionName", Shape::kWord},
    {"snake case", "very_long_identifier_of_a_thing", Shape::kWord},
    {"path", "app/models/user/settings", Shape::kWord},
    {"MIME type", "application/json", Shape::kWord},
    {"image", "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
     Shape::kData},
    {"bare image", "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk", Shape::kData},
    {"publishable key",
     "pk"
     "_live_51H8sJ2KdYw9QbXcVn",
     Shape::kPublicKey},
    {"certificate", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
     Shape::kPublicKey},
    {"SSH public key", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG a@b", Shape::kPublicKey},
    {"JSON", "{\"theme\": \"dark\", \"size\": 3}", Shape::kJson},
    {"an example of a token",
     "gh"
     "p_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
     Shape::kWord},
    {"zeros", "00000000000000000000000000000000", Shape::kNumber},
    {"one character", "x", Shape::kWord},
    {"spaces", "   ", Shape::kSentence},
    {"short bytes", std::string_view("\xff\xfe\x01", 3), Shape::kBinary},
});

TEST(ClassifyValue, KnowsTheShapesOfSecretsAndOfWhatOnlyLooksLikeOne) {
  static_assert(kExamples.size() >= 80);
  for (const Example& example : kExamples) {
    EXPECT_EQ(NameOf(ClassifyValue(AsBytes(example.value))), NameOf(example.shape)) << example.what;
  }
}

TEST(ClassifyValue, ALargeTextWithoutSpacesIsAFile) {
  const std::string text(5002, 'x');
  EXPECT_EQ(ClassifyValue(AsBytes(text)), Shape::kData);
}

TEST(ClassifyValue, EveryShapeHasANameOfItsOwn) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < kShapeCount; ++i) {
    names.push_back(NameOf(static_cast<Shape>(i)));
    EXPECT_FALSE(names.back().empty());
  }
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
}

TEST(MaskedValue, ShowsTwoCharactersAtEachEndOfLongTextsOnly) {
  EXPECT_EQ(MaskedValue(AsBytes("sk_live_abcdef")), "sk…ef (14 characters)");
  EXPECT_EQ(MaskedValue(AsBytes("123456789012")), "(12 characters)");
  EXPECT_EQ(MaskedValue(AsBytes("1234567890123")), "12…23 (13 characters)");
  EXPECT_EQ(MaskedValue(AsBytes("äöüßäöüßäöüßä")), "äö…ßä (13 characters)");
  EXPECT_EQ(MaskedValue(AsBytes("a\nbcdefghijklmn\n")), "a\\x0a…n\\x0a (16 characters)");
  EXPECT_EQ(MaskedValue(AsBytes("\xff\xfe\xfd")), "(3 bytes)");
  EXPECT_EQ(MaskedValue({}), "(0 characters)");
}

TEST(LooksLikeJsonDocument, TellsDocumentsFromTemplatesAndBrackets) {
  for (const char* text :
       {"{}", " {\"a\": 1}", "[]", "[1]", "[\"a\"]", "\n[ {\"a\": 1} ]", "[true]"}) {
    EXPECT_TRUE(LooksLikeJsonDocument(text)) << text;
  }
  for (const char* text : {"", "{", "{{secrets.A}}", "{a}", "[info] text", "a{}"}) {
    EXPECT_FALSE(LooksLikeJsonDocument(text)) << text;
  }
}

TEST(ClassifyName, ReadsWordsInEveryNotation) {
  for (const char* name : {"password",     "api_key",           "apiKey",         "APIKey",
                           "X-Api-Key",    "client_secret",     "clientSecret",   "access_token",
                           "refreshToken", "authorization",     "totp",           "totp_secret",
                           "private_key",  "value_encrypted",   "webhook_secret", "signingKey",
                           "credentials",  "connection_string", "Set-Cookie",     "stripeSecretKey",
                           "smtp_pwd"}) {
    EXPECT_EQ(ClassifyName(name), NameClass::kTelling) << name;
  }
  for (const char* name : {"checksum", "password_hash", "token_digest", "etag", "sha256", "fileMd5",
                           "x-signature", "key_fingerprint"}) {
    EXPECT_EQ(ClassifyName(name), NameClass::kHash) << name;
  }
  for (const char* name : {"id", "secret_id", "token_type", "tokenExpiresAt", "api_key_prefix",
                           "token_count", "public_key", "secret_name", "password_changed_at"}) {
    EXPECT_EQ(ClassifyName(name), NameClass::kIdentifier) << name;
  }
  for (const char* name : {"key", "primary", "value", "name", "title", "monkey", "keyboard", "",
                           "idempotency_key", "sort_key", "tokenize", "passenger", "---"}) {
    EXPECT_EQ(ClassifyName(name), NameClass::kPlain) << name;
  }
}

TEST(ClassifyName, KnowsTenantsAndHolders) {
  for (const char* name : {"project_id", "projectId", "tenant_id", "org_id", "organisation_id",
                           "workspace_id", "project", "tenant"}) {
    EXPECT_TRUE(IsProjectName(name)) << name;
  }
  for (const char* name : {"organization", "project_name", "id", "user_id", "projects_id_old"}) {
    EXPECT_FALSE(IsProjectName(name)) << name;
  }
  EXPECT_TRUE(IsProjectTableName("projects"));
  EXPECT_TRUE(IsProjectTableName("Organizations"));
  EXPECT_FALSE(IsProjectTableName("project_members"));
  EXPECT_TRUE(HoldsSecretsByName("workflow_secrets"));
  EXPECT_TRUE(HoldsSecretsByName("api_keys"));
  EXPECT_FALSE(HoldsSecretsByName("settings"));
}

}  // namespace
}  // namespace rowseal
