//! The tree → checked values: every key of the file but those of `proxy` and `credentials`, and what must hold between keys.

use super::problem::{Place, Problems};
use super::reader::{Findings, Reading, Section};
use super::values::{self, Wrong, wrong};
use super::yaml::Node;
use super::{Audit, Config, KeySource, Mode, OnSecret, Preset, Vault, check_credentials, check_proxy};
use crate::base::paths::Paths;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The words of each choice, for reading and for showing.
pub(super) const PRESETS: &[(&str, Preset)] =
    &[("max", Preset::Max), ("balanced", Preset::Balanced), ("permissive", Preset::Permissive)];
pub(super) const LEVELS: &[(&str, tracing::Level)] = &[
    ("error", tracing::Level::ERROR),
    ("warn", tracing::Level::WARN),
    ("info", tracing::Level::INFO),
    ("debug", tracing::Level::DEBUG),
    ("trace", tracing::Level::TRACE),
];
pub(super) const FORMATS: &[(&str, bool)] = &[("text", false), ("json", true)];
pub(super) const KEY_SOURCES: &[(&str, KeySource)] = &[
    ("auto", KeySource::Auto),
    ("keyring", KeySource::Keyring),
    ("kernel", KeySource::Kernel),
    ("systemd", KeySource::Systemd),
    ("passphrase", KeySource::Passphrase),
    ("file", KeySource::File),
    ("env", KeySource::Env),
];
pub(super) const PROTECTIONS: &[(&str, bool)] = &[("file", false), ("vault", true)];
pub(super) const DURABILITY: &[(&str, bool)] = &[("batch", false), ("sync", true)];

/// Reads everything, and gathers what is wrong. Relative paths count from `base`.
pub(super) fn check(reading: Reading, root: Node, base: &Path) -> Result<Config, Problems> {
    let mut config = Config::default();
    let mut top = reading.root(root);
    config.policy_preset = top.read("policy_preset", config.policy_preset, |f| f.choice(PRESETS));
    config.policy_path = path(&mut top, "policy_path", base);
    config.scan_inputs = top.read("scan_inputs", config.scan_inputs, |f| f.switch());
    config.scan_outputs = top.read("scan_outputs", config.scan_outputs, |f| f.switch());
    config.log_level = top.read("log_level", config.log_level, |f| f.choice(LEVELS));
    config.log_json = top.read("log_format", config.log_json, |f| f.choice(FORMATS));
    check_proxy::read(top.section("proxy"), &mut config.proxy, base);
    config.credentials = check_credentials::read(&mut top);
    vault(top.section("vault"), &mut config.vault, base);
    let mut ca = top.section("ca");
    config.ca.sealed = ca.read("key_protection", config.ca.sealed, |f| f.choice(PROTECTIONS));
    ca.finish();
    audit(top.section("audit"), &mut config.audit);
    top.finish();
    between_keys(&reading, &mut config);
    let Findings { problems, origins, stray } = reading.finish();
    if !problems.is_empty() {
        return Err(Problems(problems));
    }
    config.origins = origins.into_iter().map(|(key, place)| (key, place.to_string())).collect();
    config.warnings.extend(stray);
    config.digest = config.fingerprint();
    Ok(config)
}

/// A path: `~/` is the home directory, a relative one counts from `base` (from here, when a variable has it).
pub(super) fn path(section: &mut Section<'_>, key: &str, base: &Path) -> Option<PathBuf> {
    // not shown: a key pasted in the place of its file would be
    section.read_as(key, false, |f| path_text(f.text()?, &f.place, base))
}

/// The same for a text that stands in a list.
pub(super) fn path_text(text: &str, place: &Place, base: &Path) -> Result<PathBuf, Wrong> {
    if text.is_empty() || text.contains('\0') {
        return wrong("is not a path", "write the path of a file");
    }
    let here = match place {
        Place::Env(_) => std::env::current_dir().unwrap_or_else(|_| base.to_owned()),
        Place::File { .. } => base.to_owned(),
    };
    Ok(Paths::expand(text, &here))
}

fn vault(mut s: Section<'_>, to: &mut Vault, base: &Path) {
    to.key_source = s.read("key_source", to.key_source, |f| f.choice(KEY_SOURCES));
    to.key_file = path(&mut s, "key_file", base);
    to.keep_versions =
        s.read("keep_versions", to.keep_versions, |f| Ok(usize::try_from(f.number(1, 100)?).unwrap_or(1)));
    to.passphrase_file = path(&mut s, "passphrase_file", base);
    to.reference_ttl = time(&mut s, "reference_ttl", to.reference_ttl, DAY);
    to.reference_failure_ttl = time(&mut s, "reference_failure_ttl", to.reference_failure_ttl, DAY);
    to.reference_timeout = time(&mut s, "reference_timeout", to.reference_timeout, MINUTES);
    s.finish();
}

const DAY: (Duration, &str) = (Duration::from_secs(86_400), "write a time from 1s to 24h");
const MINUTES: (Duration, &str) = (Duration::from_secs(300), "write a time from 1s to 5m");

fn time(
    s: &mut Section<'_>,
    key: &'static str,
    now: Duration,
    (most, instead): (Duration, &'static str),
) -> Duration {
    s.read(key, now, |f| {
        let time = values::duration(f.text()?)?;
        if (Duration::from_secs(1)..=most).contains(&time) {
            Ok(time)
        } else {
            wrong("is out of range", instead)
        }
    })
}

fn audit(mut s: Section<'_>, to: &mut Audit) {
    to.max_size_mb = s.read("max_size_mb", to.max_size_mb, |f| f.number(1, 1 << 20));
    to.sync = s.read("durability", to.sync, |f| f.choice(DURABILITY));
    to.batch_delay = s.read("batch_delay", to.batch_delay, |f| {
        let delay = values::duration(f.text()?)?;
        if (1..=10_000).contains(&delay.as_millis()) {
            Ok(delay)
        } else {
            wrong("is out of range", "write a time from 1ms to 10s")
        }
    });
    s.finish();
}

/// What no single key can show.
fn between_keys(reading: &Reading, config: &mut Config) {
    let proxy = &mut config.proxy;
    if proxy.inject_credentials
        && !proxy.upstream.tls_verify
        && let Some(place) = reading.place_of("proxy.upstream.tls_verify")
    {
        let w = Wrong {
            what: "would hand credentials to whoever answers: proxy.inject_credentials is on".into(),
            instead: "set proxy.inject_credentials: false, or keep verification and name a private CA in proxy.upstream.extra_roots".into(),
        };
        reading.problem(place, "proxy.upstream.tls_verify", Some("false".into()), w);
    }
    if proxy.mode == Mode::Max && proxy.on_secret == OnSecret::Scrub {
        if let Some(place) = reading.place_of("proxy.on_secret") {
            config.warnings.push(format!("{place}: proxy.on_secret: mode max blocks; `scrub` has no effect"));
        }
        proxy.on_secret = OnSecret::Block;
    }
    let Vault { key_source, key_file, passphrase_file, .. } = &config.vault;
    for (key, named, read_by) in [
        ("vault.key_file", key_file.is_some(), KeySource::File),
        ("vault.passphrase_file", passphrase_file.is_some(), KeySource::Passphrase),
    ] {
        if named
            && *key_source != KeySource::Auto
            && *key_source != read_by
            && let Some(place) = reading.place_of(key)
        {
            config.warnings.push(format!(
                "{place}: {key}: vault.key_source takes the key from elsewhere; the file is not read"
            ));
        }
    }
}
