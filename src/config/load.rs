//! Which file, which variables: finds the configuration, reads it whole, and never falls back over one that is wrong.

use super::problem::{Place, Problem, Problems};
use super::reader::Reading;
use super::yaml::{self, Node, Spot, Value};
use super::{Config, check};
use crate::base::paths::Paths;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A configuration larger than this is a mistake.
const MOST_BYTES: u64 = 1 << 20;

/// Variables of ours that are no configuration keys.
const RESERVED: &[&str] = &[
    "KATANA_CONFIG",
    "KATANA_VAULT_KEY",
    "KATANA_VAULT_PASSPHRASE",
    "KATANA_EXCHANGE",
    "KATANA_ACTIVE",
    "KATANA_PROXY_URL",
    "KATANA_CA_CERT",
    "KATANA_CA_BUNDLE",
    "KATANA_SERVICE_ACCOUNT_KEYS_PATH",
];

impl Config {
    /// Reads the file that `--config` names, else `KATANA_CONFIG`, else the default one; then the `KATANA_…` variables over it.
    /// A default file that is missing means defaults; one that was named must be there.
    ///
    /// # Errors
    /// Everything wrong, at once.
    pub fn load(
        explicit: Option<&Path>,
        paths: &Paths,
        env: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Problems> {
        let env: BTreeMap<String, String> =
            env.into_iter().filter(|(k, _)| k.starts_with("KATANA_")).collect();
        let variable = env.get("KATANA_CONFIG").filter(|v| !v.is_empty()).map(PathBuf::from);
        let named = explicit.map(Path::to_path_buf).or(variable);
        let file = named.clone().unwrap_or_else(|| paths.config.clone());
        match text_of(&file) {
            Ok((text, open_to_all)) => {
                let mut config = Self::from_text(&text, &file, env)?;
                if open_to_all {
                    let name = file.display();
                    config
                        .warnings
                        .push(format!("{name}: anyone on this machine can change it; chmod o-w {name}"));
                }
                Ok(config)
            }
            Err(e) if named.is_none() && e.kind() == io::ErrorKind::NotFound && !dangling(&file) => {
                let mut config = Self::from_text("", &file, env)?;
                config.source = None;
                Ok(config)
            }
            Err(e) => Err(unreadable(&file, &e, explicit.is_none() && named.is_some())),
        }
    }

    /// The process's own environment, as [`Config::load`] takes it. A value that is not UTF-8 stays there, mangled, so that it is refused
    /// and not passed over.
    pub fn process_env() -> impl Iterator<Item = (String, String)> {
        std::env::vars_os()
            .filter_map(|(k, v)| Some((k.into_string().ok()?, v.to_string_lossy().into_owned())))
    }

    /// Checks a text as if it stood in `file`.
    ///
    /// # Errors
    /// Everything wrong, at once.
    pub fn from_text(
        text: &str,
        file: &Path,
        env: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Problems> {
        let name = file.display().to_string();
        let root = match yaml::tree(text, &name) {
            Ok(root) => root,
            Err(e) => {
                return Err(Problem {
                    place: Place::File { name, at: Spot { line: e.line, column: e.column } },
                    key: String::new(),
                    found: None,
                    what: format!("is not YAML that katana reads: {}", e.message),
                    instead: "mend this line; the keys cannot be checked before".into(),
                }
                .into());
            }
        };
        let base = file.parent().map_or_else(PathBuf::new, Path::to_path_buf);
        let base = std::path::absolute(&base).unwrap_or(base);
        let mut config = check::check(Reading::new(name, overrides(env)), whole(root), &base)?;
        config.source = Some(file.to_owned());
        Ok(config)
    }
}

/// `KATANA_PROXY__LISTEN` → `proxy.listen`.
fn overrides(env: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, (String, String)> {
    env.into_iter()
        .filter(|(var, _)| !RESERVED.contains(&var.as_str()))
        .filter_map(|(var, text)| {
            let key = var.strip_prefix("KATANA_")?.to_ascii_lowercase().replace("__", ".");
            Some((key, (var, text)))
        })
        .collect()
}

/// A file of nothing but `null` is an empty one.
fn whole(root: Node) -> Node {
    if root.value == Value::Null { Node { value: Value::Map(Vec::new()), ..root } } else { root }
}

/// The text, and whether everybody may write it.
fn text_of(file: &Path) -> io::Result<(String, bool)> {
    let mut text = String::new();
    let opened = File::open(file)?;
    let meta = opened.metadata()?;
    let read = opened.take(MOST_BYTES + 1).read_to_string(&mut text)?;
    if read as u64 > MOST_BYTES {
        return Err(io::Error::other("larger than 1 MiB"));
    }
    Ok((text, meta.is_file() && meta.mode() & 0o002 != 0))
}

fn dangling(file: &Path) -> bool {
    file.symlink_metadata().is_ok()
}

fn unreadable(file: &Path, e: &io::Error, by_variable: bool) -> Problems {
    let instead = match e.kind() {
        io::ErrorKind::NotFound if by_variable => "unset KATANA_CONFIG, or name a file that is there",
        io::ErrorKind::NotFound => "name a file that is there, or write one with `katana config init`",
        io::ErrorKind::PermissionDenied => {
            "let this user read it; katana does not go on with defaults instead"
        }
        io::ErrorKind::InvalidData => "save it as UTF-8",
        _ => "mend or remove it; katana does not go on with defaults instead",
    };
    Problem {
        place: Place::File { name: file.display().to_string(), at: Spot::default() },
        key: String::new(),
        found: None,
        what: format!("cannot be read: {e}"),
        instead: instead.into(),
    }
    .into()
}
