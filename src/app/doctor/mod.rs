//! Looks at everything katana needs, changes nothing, and says of each thing how it stands and what to do about it.

mod secrets;
mod authority;
mod trail;
mod machine;
mod clients;

use super::{build, daemon};
use crate::base::paths::Paths;
use crate::config::Config;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// How one thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Good,
    /// Not there, and need not be yet.
    Absent,
    /// It works, and could be better.
    Warning,
    /// It could not be judged.
    Unknown,
    /// Something is wrong.
    Bad,
}

/// One thing that was looked at.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Which: a stable short name.
    pub part: &'static str,
    /// How it stands.
    pub state: State,
    /// That in one clause.
    pub what: String,
    /// What to do about it; `None`: nothing.
    pub next: Option<String>,
    /// For machines: whatever else there is to say.
    pub details: Value,
}

impl State {
    /// The stable short name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Absent => "absent",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Bad => "bad",
        }
    }
}

impl Finding {
    fn new(part: &'static str, state: State, what: impl Into<String>) -> Self {
        Self { part, state, what: what.into(), next: None, details: Value::Null }
    }

    fn next(self, next: impl Into<String>) -> Self {
        Self { next: Some(next.into()), ..self }
    }

    fn details(self, details: Value) -> Self {
        Self { details, ..self }
    }
}

/// What the checks look at.
struct Patient<'a> {
    paths: &'a Paths,
    /// `None`: it cannot be read, which is a finding of its own.
    config: Option<&'a Config>,
    /// What the running proxy says; `None`: there is none, or it does not answer.
    proxy: Option<&'a Value>,
    var: &'a dyn Fn(&str) -> Option<PathBuf>,
}

/// Every finding, in the order in which one thing needs the other. Asks for a passphrase if the vault's key is under one.
#[must_use]
pub fn examine(named: Option<&Path>, paths: &Paths, var: &dyn Fn(&str) -> Option<PathBuf>) -> Vec<Finding> {
    let config = build::load_config(named, paths);
    let running = daemon::status(paths);
    let patient = Patient { paths, config: config.as_ref().ok(), proxy: running.as_ref().ok(), var };
    let mut all = vec![match &config {
        Ok(c) => configured(c),
        Err(e) => Finding::new("config", State::Bad, e.why.trim().to_owned()).next(e.next.clone()),
    }];
    all.extend(secrets::examine(&patient));
    all.push(authority::examine(&patient));
    all.push(trail::examine(&patient));
    all.push(match &running {
        Ok(status) => answering(status, patient.config),
        Err(e) if e.code == "not_running" => Finding::new("proxy", State::Absent, "not running")
            .next("`katana proxy start`, or `katana run -- COMMAND`"),
        Err(e) => Finding::new("proxy", State::Bad, format!("{}: {}", e.what, e.why)).next(e.next.clone()),
    });
    all.extend(machine::examine(&patient));
    all.push(clients::examine(&patient));
    all
}

fn configured(c: &Config) -> Finding {
    let source = c.source.as_ref().map_or_else(|| "defaults, no file".into(), |s| s.display().to_string());
    let details = json!({ "source": c.source, "digest": c.digest });
    let what = format!("{source} ({})", c.digest);
    match c.warnings.first() {
        None => Finding::new("config", State::Good, what).details(details),
        Some(first) => Finding::new("config", State::Warning, format!("{what}: {first}"))
            .next("`katana config check` has all warnings")
            .details(details),
    }
}

fn answering(status: &Value, config: Option<&Config>) -> Finding {
    let details = json!({ "pid": status["pid"], "listen": status["listen"], "vault": status["vault"] });
    let listen = status["listen"].as_str().unwrap_or_default();
    let what = format!("running: pid {}, listening on {listen}", status["pid"]);
    let finding = |state, what: String| Finding::new("proxy", state, what).details(details.clone());
    let trouble = &status["vault_trouble"];
    if !trouble.is_null() {
        let why = trouble["why"].as_str().unwrap_or("its vault is closed");
        let next = trouble["remedy"].as_str().unwrap_or("see `katana proxy status`");
        return finding(State::Bad, format!("{what}, and cannot read the vault: {why}")).next(next);
    }
    let stale = config.is_some_and(|c| status["config_digest"].as_str().is_some_and(|d| d != c.digest));
    if stale {
        return finding(State::Warning, format!("{what}, with another configuration than the file's"))
            .next("`katana proxy reload`");
    }
    finding(State::Good, what)
}

#[cfg(test)]
mod tests;
