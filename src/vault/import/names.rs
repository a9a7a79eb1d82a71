//! Which names and values are taken for secrets, and what a name becomes in the vault. Heuristics: `--all` overrides them.

use super::Class;
use crate::vault::Providers;

/// Why most of what is found is not taken.
pub const NO_SECRET: &str = "its name is not that of a secret";
/// A name ends in one of these words when it names a secret.
const SECRET_WORDS: &[&str] = &[
    "KEY",
    "APIKEY",
    "TOKEN",
    "AUTHTOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "PASS",
    "PAT",
    "CREDENTIAL",
    "CREDENTIALS",
    "JWT",
    "BEARER",
    "AUTHORIZATION",
];
/// Words that may stand behind those: which one of several it is.
const WHICH: &[&str] =
    &["PROD", "PRODUCTION", "LIVE", "DEV", "TEST", "STAGING", "BASE64", "B64", "OLD", "NEW"];
/// With one of these words in it, a key is meant to be seen.
const PUBLIC: &[&str] = &["PUBLIC", "PUBLISHABLE", "ANON"];
/// Secrets that the words do not show.
const ALSO: &[&str] = &["AWS_ACCESS_KEY_ID", "PGPASSWORD", "MYSQL_PWD", "SSHPASS", "NPM_CONFIG__AUTH"];
/// How the keys of well-known services begin.
const BEGINNINGS: &[&str] = &[
    "sk-",
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "xapp-",
    "hf_",
    "AIza",
    "gsk_",
    "r8_",
    "npm_",
    "pypi-",
    "AKIA",
    "ASIA",
    "dop_v1_",
    "SG.",
    "shpat_",
    "pplx-",
    "xai-",
    "tvly-",
    "lin_api_",
    "ntn_",
    "-----BEGIN ",
];
/// What stands where a secret is still to come.
const BLANKS: &[&str] =
    &["changeme", "change-me", "change_me", "none", "null", "true", "false", "todo", "secret", "password"];

/// What a variable of this name with this value is taken for.
pub(super) fn class(name: &str, value: &[u8], providers: &Providers) -> Class {
    let known = providers.iter().any(|p| name.eq_ignore_ascii_case(&p.secret)) || is_secret_name(name);
    let looks = BEGINNINGS.iter().any(|b| value.len() >= 20 && value.starts_with(b.as_bytes()));
    if !known && !looks {
        return Class::Plain(NO_SECRET);
    }
    if value.is_empty() {
        return Class::Plain("it is empty");
    }
    if is_blank(value) { Class::Plain("its value says that one is still to come") } else { Class::Secret }
}

fn is_blank(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let text = text.trim();
    let hollow = |open: char, close: char| text.starts_with(open) && text.ends_with(close);
    let lower = text.to_ascii_lowercase();
    BLANKS.contains(&&*lower)
        || hollow('<', '>')
        || text.bytes().all(|b| matches!(b, b'x' | b'X' | b'*' | b'.' | b'-'))
        || (lower.starts_with("your") && lower.len() < 40 && lower.contains(['-', '_', ' ']))
}

fn is_secret_name(name: &str) -> bool {
    let words = words(name);
    if words.iter().any(|w| PUBLIC.contains(&&**w)) {
        return false;
    }
    let which = |w: &&String| WHICH.contains(&&***w) || w.bytes().all(|b| b.is_ascii_digit());
    let last = words.iter().rev().find(|w| !which(w));
    ALSO.iter().any(|a| name.eq_ignore_ascii_case(a)) || last.is_some_and(|w| SECRET_WORDS.contains(&&**w))
}

/// `openaiApiKey`, `openai-api-key`, `OPENAI_API_KEY` → `OPENAI`, `API`, `KEY`.
fn words(name: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut before = '_';
    for c in name.chars() {
        let apart = !c.is_alphanumeric();
        if apart || (c.is_uppercase() && (before.is_lowercase() || before.is_ascii_digit())) {
            out.push(String::new());
        }
        if !apart && let Some(word) = out.last_mut() {
            word.extend(c.to_uppercase());
        }
        before = c;
    }
    out.retain(|w| !w.is_empty());
    out
}

/// The same as one name: `OPENAI_API_KEY`.
pub(super) fn upper(name: &str) -> String {
    words(name).join("_")
}

/// A name the vault takes: what it does not take becomes `_`.
pub(super) fn fitting(name: &str) -> String {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let name: String = name.chars().map(|c| if good(c) { c } else { '_' }).take(128).collect();
    if name.is_empty() { "_".into() } else { name }
}

/// The usual name of a service's token, by the host that takes it.
pub(super) fn of_host(host: &str) -> Option<&'static str> {
    let host = host.trim_start_matches("api.").trim_start_matches("www.");
    match host {
        "github.com" => Some("GITHUB_TOKEN"),
        "gitlab.com" => Some("GITLAB_TOKEN"),
        "bitbucket.org" => Some("BITBUCKET_TOKEN"),
        "huggingface.co" => Some("HUGGINGFACE_API_KEY"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_and_their_look_alikes() {
        let providers = Providers::builtin().unwrap();
        let class = |name: &str| class(name, b"some-long-value", &providers);
        for yes in [
            "OPENAI_API_KEY",
            "openai_api_key",
            "openaiApiKey",
            "apiKey",
            "GITHUB_TOKEN",
            "DB_PASSWORD",
            "STRIPE_SECRET",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "API_KEY_2",
            "SECRET_KEY_PROD",
            "x-api-key",
            "GH_PAT",
            "REPLICATE_API_TOKEN",
        ] {
            assert_eq!(class(yes), Class::Secret, "{yes}");
        }
        for no in [
            "PATH",
            "HOME",
            "MAX_TOKENS",
            "TOKEN_LIMIT",
            "SSH_KEY_PATH",
            "KEY_ID",
            "PWD",
            "STRIPE_PUBLISHABLE_KEY",
            "NEXT_PUBLIC_API_KEY",
            "SUPABASE_ANON_KEY",
            "KEYBOARD",
            "MONKEY",
            "TOKENIZERS_PARALLELISM",
            "COMPASS",
        ] {
            assert!(matches!(class(no), Class::Plain(_)), "{no}");
        }
    }

    #[test]
    fn values_that_are_keys_whatever_their_name_and_values_that_are_none() {
        let providers = Providers::builtin().unwrap();
        assert_eq!(class("MODEL", b"sk-ant-api03-aaaaaaaaaaaaaaaa", &providers), Class::Secret);
        assert!(matches!(class("MODEL", b"sk-ant", &providers), Class::Plain(_)));
        for blank in ["", "changeme", "<your key>", "xxxxxxxxxxxx", "your-api-key-here", "***", "None"] {
            assert!(
                matches!(class("OPENAI_API_KEY", blank.as_bytes(), &providers), Class::Plain(_)),
                "{blank}"
            );
        }
        assert_eq!(class("OPENAI_API_KEY", b"\xff\xfe\xfd\xfc", &providers), Class::Secret);
    }

    #[test]
    fn names_become_names() {
        assert_eq!(upper("openai-api-key"), "OPENAI_API_KEY");
        assert_eq!(upper("git.example.com"), "GIT_EXAMPLE_COM");
        assert_eq!(fitting("my secret/ä"), "my_secret__");
        assert_eq!(fitting(""), "_");
        assert_eq!(fitting(&"x".repeat(200)).len(), 128);
    }
}
