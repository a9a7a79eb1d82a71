//! Where state lives: per user under the home directory, or under systemd's directories when run as a service.

use std::env;
use std::path::{Path, PathBuf};

/// Every path the program keeps something at, worked out once from the environment.
#[derive(Clone, Debug)]
pub struct Paths {
    /// The configuration file that is read when none is named.
    pub config: PathBuf,
    /// Vault, audit and CA live below this.
    pub state: PathBuf,
    /// Rules and the allow-list of the operator's own: `rules/*.yaml`, `allow.yaml`.
    pub rules: PathBuf,
    /// Control socket and PID file of a private kind live below this.
    pub runtime: PathBuf,
    /// The PID file.
    pub pid: PathBuf,
    /// Some of these lie below a home directory, and there is none.
    pub homeless: bool,
}

impl Paths {
    /// Reads `HOME` (when it is not set, the system is asked), `XDG_*`, `TMPDIR`, and systemd's `STATE_DIRECTORY`, `RUNTIME_DIRECTORY`, `CONFIGURATION_DIRECTORY`.
    #[must_use]
    pub fn from_env() -> Self {
        Self::from_lookup(&|k| match k {
            "HOME" => env::home_dir(),
            _ => env::var_os(k).map(PathBuf::from),
        })
    }

    /// The same from any lookup, for tests.
    #[must_use]
    pub fn from_lookup(var: &dyn Fn(&str) -> Option<PathBuf>) -> Self {
        let first = |k: &str| {
            let value = var(k)?;
            let text = value.to_str()?.split(':').next()?.to_owned();
            (!text.is_empty()).then(|| PathBuf::from(text))
        };
        let own = first("HOME").filter(|h| h.is_absolute());
        let home = own.clone().unwrap_or_else(|| PathBuf::from("/nonexistent"));
        let tmp = first("TMPDIR").unwrap_or_else(|| PathBuf::from("/tmp"));
        let service = first("STATE_DIRECTORY");
        let state = service.clone().unwrap_or_else(|| {
            first("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config")).join("hermes-katana")
        });
        let runtime = first("RUNTIME_DIRECTORY")
            .or_else(|| first("XDG_RUNTIME_DIR").map(|d| d.join("katana")))
            .unwrap_or_else(|| state.join("run"));
        let config = match first("CONFIGURATION_DIRECTORY") {
            Some(dir) => dir.join("config.yaml"),
            None if service.is_some() => PathBuf::from("/etc/katana/config.yaml"),
            None => home.join(".hermes-katana/config.yaml"),
        };
        let rules = match config.parent() {
            Some(dir) if service.is_some() => dir.to_owned(),
            _ => state.clone(),
        };
        let pid =
            if service.is_some() { runtime.join("katana.pid") } else { tmp.join("hermes_katana_proxy.pid") };
        let homeless = own.is_none() && [&config, &state].iter().any(|p| p.starts_with(&home));
        Self { config, state, rules, runtime, pid, homeless }
    }

    /// The vault file.
    #[must_use]
    pub fn vault(&self) -> PathBuf {
        self.state.join("vault.json")
    }

    /// The sentinel of a locked vault.
    #[must_use]
    pub fn vault_lock(&self) -> PathBuf {
        self.state.join("vault.lock")
    }

    /// The active audit segment.
    #[must_use]
    pub fn audit(&self) -> PathBuf {
        self.state.join("audit/audit.jsonl")
    }

    /// The directory of the interception CA.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.state.join("ca")
    }

    /// What servers said of their tools when they were first seen.
    #[must_use]
    pub fn tools(&self) -> PathBuf {
        self.state.join("tools.json")
    }

    /// The control socket.
    #[must_use]
    pub fn control(&self) -> PathBuf {
        self.runtime.join("control.sock")
    }

    /// The log of a daemon that was started from a terminal.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.state.join("katana.log")
    }

    /// `~/x` to the home directory's `x`; anything else as it is, relative paths against `base`.
    #[must_use]
    pub fn expand(text: &str, base: &Path) -> PathBuf {
        match (text.strip_prefix("~/"), env::home_dir()) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => base.join(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(vars: &[(&str, &str)]) -> Paths {
        Paths::from_lookup(&|k| vars.iter().find(|(n, _)| *n == k).map(|(_, v)| PathBuf::from(v)))
    }

    #[test]
    fn a_person_and_a_service_have_their_own_places() {
        let p = paths(&[("HOME", "/home/a"), ("XDG_RUNTIME_DIR", "/run/user/1")]);
        assert_eq!(p.vault(), Path::new("/home/a/.config/hermes-katana/vault.json"));
        assert_eq!(p.config, Path::new("/home/a/.hermes-katana/config.yaml"));
        assert_eq!(p.control(), Path::new("/run/user/1/katana/control.sock"));
        assert_eq!(p.pid, Path::new("/tmp/hermes_katana_proxy.pid"));
        let s = paths(&[("STATE_DIRECTORY", "/var/lib/katana"), ("RUNTIME_DIRECTORY", "/run/katana")]);
        assert_eq!(s.audit(), Path::new("/var/lib/katana/audit/audit.jsonl"));
        assert_eq!(s.config, Path::new("/etc/katana/config.yaml"));
        assert_eq!(s.pid, Path::new("/run/katana/katana.pid"));
        assert!(!p.homeless && !s.homeless);
    }

    #[test]
    fn without_a_home_nothing_is_made_up() {
        for home in [&[][..], &[("HOME", "")], &[("HOME", "relative/home")]] {
            assert!(paths(home).homeless, "{home:?}");
        }
        assert!(paths(&[("XDG_CONFIG_HOME", "/etc/me")]).homeless, "the configuration still lies below it");
    }
}
