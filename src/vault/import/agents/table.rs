//! Which program keeps which secret in which file. Data only: a row here is all that another program takes.

use super::syntax::Syntax;

/// One file.
pub(super) struct Known {
    /// Whose it is.
    pub(super) program: &'static str,
    /// A variable that moves its folder (or, with an empty `file`, names the file).
    pub(super) moved_by: &'static str,
    /// The folder below the home directory.
    pub(super) folder: &'static str,
    /// The file in it.
    pub(super) file: &'static str,
    pub(super) syntax: Syntax,
    pub(super) rules: &'static [Rule],
}

/// Path of a value: `*` any one key, `*x` one that ends in x, `**` any number of keys. What is the value, and its name:
/// `{1}` the first starred key; `{?1}` the same as an ending, left out where it is the only one or the usual one;
/// `{provider}` the value beside it under that key; `{host}` the usual name of that host's token.
pub(super) struct Rule(pub(super) &'static [&'static str], pub(super) Take, pub(super) &'static str);

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Take {
    /// The secret.
    Secret,
    /// A secret that the program renews.
    Renewed,
    /// What its name says.
    ByName,
    /// A header's value; a scheme before the secret stays.
    Header,
    /// `provider=secret`.
    ProviderPair,
    /// `NAME=value`.
    Variable,
    /// base64 of `user:secret`.
    Basic,
    /// base64 of the secret.
    Base64,
    /// A URL; the secret is the password in it.
    Url,
    /// The whole file is the secret.
    Whole,
}

use Syntax::{Bare, Env, Git, Ini, Json, Netrc, Toml, Yaml};
use Take::{Base64, Basic, ByName, Header, ProviderPair, Renewed, Secret, Url, Variable, Whole};

const MCP: &[Rule] = &[
    Rule(&["**", "mcpServers", "*", "env", "*"], ByName, "{2}"),
    Rule(&["**", "mcpServers", "*", "headers", "*"], Header, "{1}_{2}"),
    Rule(&["**", "mcpServers", "*", "requestOptions", "headers", "*"], Header, "{1}_{2}"),
];

const fn known(
    program: &'static str,
    (moved_by, folder): (&'static str, &'static str),
    file: &'static str,
    syntax: Syntax,
    rules: &'static [Rule],
) -> Known {
    Known { program, moved_by, folder, file, syntax, rules }
}

const CLAUDE: (&str, &str) = ("CLAUDE_CONFIG_DIR", ".claude");
const CODEX: (&str, &str) = ("CODEX_HOME", ".codex");
const GEMINI: (&str, &str) = ("", ".gemini");
const CONTINUE: (&str, &str) = ("CONTINUE_GLOBAL_DIR", ".continue");
const HOME: (&str, &str) = ("", "");
const CARGO: (&str, &str) = ("CARGO_HOME", ".cargo");
const HF: (&str, &str) = ("HF_HOME", ".cache/huggingface");

const CARGO_RULES: &[Rule] = &[
    Rule(&["registry", "token"], Secret, "CARGO_REGISTRY_TOKEN"),
    Rule(&["registries", "*", "token"], Secret, "CARGO_REGISTRIES_{1}_TOKEN"),
];
const GCLOUD_RULES: &[Rule] = &[
    Rule(&["private_key"], Whole, "GCP_SERVICE_ACCOUNT"),
    Rule(&["refresh_token"], Secret, "GCP_REFRESH_TOKEN"),
];
const PIP_RULES: &[Rule] = &[
    Rule(&["*", "index-url"], Url, "PIP_INDEX_PASSWORD"),
    Rule(&["*", "extra-index-url"], Url, "PIP_EXTRA_INDEX_PASSWORD"),
];

pub(super) const KNOWN: &[Known] = &[
    known(
        "Claude Code",
        CLAUDE,
        ".credentials.json",
        Json,
        &[
            Rule(&["claudeAiOauth", "accessToken"], Renewed, "CLAUDE_CODE_ACCESS_TOKEN"),
            Rule(&["claudeAiOauth", "refreshToken"], Renewed, "CLAUDE_CODE_REFRESH_TOKEN"),
            Rule(&["mcpOAuth", "*", "accessToken"], Renewed, "{1}_ACCESS_TOKEN"),
            Rule(&["mcpOAuth", "*", "refreshToken"], Renewed, "{1}_REFRESH_TOKEN"),
        ],
    ),
    known("Claude Code", CLAUDE, "settings.json", Json, &[Rule(&["env", "*"], ByName, "{1}")]),
    known("Claude Code", HOME, ".claude.json", Json, CLAUDE_RULES),
    known("Claude Desktop", ("XDG_CONFIG_HOME", ".config"), "Claude/claude_desktop_config.json", Json, MCP),
    known(
        "Codex",
        CODEX,
        "auth.json",
        Json,
        &[
            Rule(&["OPENAI_API_KEY"], Secret, "OPENAI_API_KEY"),
            Rule(&["tokens", "access_token"], Renewed, "CODEX_ACCESS_TOKEN"),
            Rule(&["tokens", "refresh_token"], Renewed, "CODEX_REFRESH_TOKEN"),
            Rule(&["tokens", "id_token"], Renewed, "CODEX_ID_TOKEN"),
        ],
    ),
    known(
        "Codex",
        CODEX,
        "config.toml",
        Toml,
        &[
            Rule(&["mcp_servers", "*", "env", "*"], ByName, "{2}"),
            Rule(&["mcp_servers", "*", "http_headers", "*"], Header, "{1}_{2}"),
        ],
    ),
    known(
        "Gemini CLI",
        GEMINI,
        "oauth_creds.json",
        Json,
        &[
            Rule(&["access_token"], Renewed, "GEMINI_ACCESS_TOKEN"),
            Rule(&["refresh_token"], Renewed, "GEMINI_REFRESH_TOKEN"),
            Rule(&["id_token"], Renewed, "GEMINI_ID_TOKEN"),
        ],
    ),
    known("Gemini CLI", GEMINI, ".env", Env, &[]),
    known("Gemini CLI", GEMINI, "settings.json", Json, MCP),
    known(
        "aider",
        HOME,
        ".aider.conf.yml",
        Yaml,
        &[
            Rule(&["*-api-key"], Secret, "{1}"),
            Rule(&["api-key", "*"], ProviderPair, ""),
            Rule(&["set-env", "*"], Variable, ""),
        ],
    ),
    known("aider", HOME, ".env", Env, &[]),
    known(
        "opencode",
        ("XDG_DATA_HOME", ".local/share"),
        "opencode/auth.json",
        Json,
        &[
            Rule(&["*", "key"], Secret, "{1}_API_KEY"),
            Rule(&["*", "token"], Secret, "{1}_TOKEN"),
            Rule(&["*", "access"], Renewed, "{1}_ACCESS_TOKEN"),
            Rule(&["*", "refresh"], Renewed, "{1}_REFRESH_TOKEN"),
        ],
    ),
    known("Continue", CONTINUE, "config.json", Json, CONTINUE_RULES),
    known("Continue", CONTINUE, "config.yaml", Yaml, CONTINUE_RULES),
    known("Continue", CONTINUE, ".env", Env, &[]),
    known("Cursor", ("", ".cursor"), "mcp.json", Json, MCP),
    known("GitHub CLI", ("GH_CONFIG_DIR", ".config/gh"), "hosts.yml", Yaml, GH_RULES),
    known(
        "GitLab CLI",
        ("GLAB_CONFIG_DIR", ".config/glab-cli"),
        "config.yml",
        Yaml,
        &[Rule(&["hosts", "*", "token"], Secret, "GITLAB_TOKEN{?1}")],
    ),
    known("git", HOME, ".git-credentials", Git, HOST_RULES),
    known("git", ("XDG_CONFIG_HOME", ".config"), "git/credentials", Git, HOST_RULES),
    known("netrc", ("NETRC", ".netrc"), "", Netrc, HOST_RULES),
    known(
        "npm",
        ("NPM_CONFIG_USERCONFIG", ".npmrc"),
        "",
        Ini,
        &[
            Rule(&["*", "*_authToken"], Secret, "NPM_TOKEN{?2}"),
            Rule(&["*", "*_auth"], Basic, "NPM_PASSWORD{?2}"),
            Rule(&["*", "*_password"], Base64, "NPM_PASSWORD{?2}"),
        ],
    ),
    known("PyPI", HOME, ".pypirc", Ini, &[Rule(&["*", "password"], Secret, "PYPI_TOKEN{?1}")]),
    known("pip", ("XDG_CONFIG_HOME", ".config"), "pip/pip.conf", Ini, PIP_RULES),
    known("pip", ("", ".pip"), "pip.conf", Ini, PIP_RULES),
    known("cargo", CARGO, "credentials.toml", Toml, CARGO_RULES),
    known("cargo", CARGO, "credentials", Toml, CARGO_RULES),
    known(
        "AWS",
        ("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"),
        "",
        Ini,
        &[
            Rule(&["*", "aws_access_key_id"], Secret, "AWS_ACCESS_KEY_ID{?1}"),
            Rule(&["*", "aws_secret_access_key"], Secret, "AWS_SECRET_ACCESS_KEY{?1}"),
            Rule(&["*", "aws_session_token"], Renewed, "AWS_SESSION_TOKEN{?1}"),
        ],
    ),
    known(
        "gcloud",
        ("CLOUDSDK_CONFIG", ".config/gcloud"),
        "application_default_credentials.json",
        Json,
        GCLOUD_RULES,
    ),
    known("Google Cloud", ("GOOGLE_APPLICATION_CREDENTIALS", ""), "", Json, GCLOUD_RULES),
    known(
        "Docker",
        ("DOCKER_CONFIG", ".docker"),
        "config.json",
        Json,
        &[
            Rule(&["auths", "*", "auth"], Basic, "DOCKER_PASSWORD{?1}"),
            Rule(&["auths", "*", "identitytoken"], Secret, "DOCKER_IDENTITY_TOKEN{?1}"),
            Rule(&["auths", "*", "registrytoken"], Secret, "DOCKER_REGISTRY_TOKEN{?1}"),
        ],
    ),
    known("Hugging Face", HF, "token", Bare, &[Rule(&[], Secret, "HUGGINGFACE_API_KEY")]),
    known(
        "Hugging Face",
        HF,
        "stored_tokens",
        Ini,
        &[Rule(&["*", "hf_token"], Secret, "HUGGINGFACE_API_KEY{?1}")],
    ),
    known(
        "Terraform",
        ("", ".terraform.d"),
        "credentials.tfrc.json",
        Json,
        &[Rule(&["credentials", "*", "token"], Secret, "TERRAFORM_TOKEN{?1}")],
    ),
];

const HOST_RULES: &[Rule] = &[Rule(&["*", "*"], Secret, "{host}")];
const GH_RULES: &[Rule] = &[
    Rule(&["*", "oauth_token"], Secret, "GITHUB_TOKEN{?1}"),
    Rule(&["*", "users", "*", "oauth_token"], Secret, "GITHUB_TOKEN{?1}"),
];
const CLAUDE_RULES: &[Rule] = &[
    Rule(&["primaryApiKey"], Secret, "ANTHROPIC_API_KEY"),
    Rule(&["env", "*"], ByName, "{1}"),
    Rule(&["**", "mcpServers", "*", "env", "*"], ByName, "{2}"),
    Rule(&["**", "mcpServers", "*", "headers", "*"], Header, "{1}_{2}"),
];
const CONTINUE_RULES: &[Rule] = &[
    Rule(&["**", "apiKey"], Secret, "{provider}_API_KEY"),
    Rule(&["**", "env", "*"], ByName, "{1}"),
    Rule(&["**", "headers", "*"], Header, "CONTINUE_{1}"),
];
