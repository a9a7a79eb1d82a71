//! `katana run`: one command behind a proxy of its own, or behind the one that runs already.

pub mod environment;
pub mod files;
pub mod truststore;
mod child;
mod own;

use self::environment::Way;
use self::files::Materials;
use self::own::OwnRun;
use super::daemon;
use super::service::{Error, Issue, Listening, Service, Start};
use crate::base::paths::Paths;
use crate::config::{Config, Listen};
use serde_json::Value;
use std::env;
use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

/// How long exchanges that outlive the child may go on.
const PATIENCE: Duration = Duration::from_secs(5);

/// What to run, and behind what.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The program and its arguments, passed on untouched.
    pub command: Vec<OsString>,
    /// Behind a proxy at all. Without one the child still gets no vault key, and placeholders for secrets.
    pub proxy: bool,
    /// A proxy of its own even if one runs.
    pub private: bool,
    /// Placeholders of its own, honoured until it ends.
    pub own_placeholders: bool,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The child's code, as a shell has it.
    pub code: u8,
    /// Why the command could not be run at all, if so.
    pub why: Option<String>,
    /// What its proxy did meanwhile; none without a proxy.
    pub tally: Option<Tally>,
    /// The run's name, if it had placeholders of its own.
    pub run: Option<String>,
}

/// What a proxy did during one run.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    /// Requests that came.
    pub requests: i64,
    /// Credentials put in.
    pub injected: i64,
    /// Vault values taken out.
    pub scrubbed: i64,
    /// Requests refused.
    pub denied: i64,
    /// Hash of the last audit record, hex.
    pub audit_head: String,
    /// Counted on a proxy that others use too.
    pub shared: bool,
}

impl Tally {
    fn of(status: &Value, shared: bool) -> Self {
        let n = |name: &str| status["counters"][name].as_i64().unwrap_or(0);
        Self {
            requests: n("requests"),
            injected: n("injected"),
            scrubbed: n("scrubbed"),
            denied: n("denied"),
            audit_head: status["audit_head"].as_str().unwrap_or_default().to_owned(),
            shared,
        }
    }

    /// Never below zero: the proxy may have been restarted meanwhile.
    fn since(self, before: &Self) -> Self {
        let more = |after: i64, before: i64| (after - before).max(0);
        Self {
            requests: more(self.requests, before.requests),
            injected: more(self.injected, before.injected),
            scrubbed: more(self.scrubbed, before.scrubbed),
            denied: more(self.denied, before.denied),
            ..self
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { requests, injected, scrubbed, denied, .. } = self;
        let s = if *requests == 1 { "" } else { "s" };
        write!(f, "{requests} request{s}, {injected} injected, {scrubbed} scrubbed, {denied} denied")?;
        if self.audit_head.is_empty() {
            return Ok(());
        }
        write!(f, ", audit head {}…", self.audit_head.chars().take(12).collect::<String>())
    }
}

/// Runs the command to its end.
///
/// # Errors
/// What kept it from being started behind a proxy; the command has not run then.
pub fn run(start: &dyn Start, config: &Config, paths: &Paths, wish: &Wish) -> Result<Ended, Error> {
    let mut issue = start.issue(config, paths)?;
    if !wish.proxy {
        let child = child::run(&wish.command, environment::of_child(env::vars_os(), None, &issue.secrets))?;
        return Ok(Ended { code: child.code, why: child.why, tally: None, run: None });
    }
    let own = if wish.own_placeholders { Some(OwnRun::begin(config, paths)?) } else { None };
    if let Some(own) = &own {
        own.put_into(&mut issue);
    }
    let behind = Behind::find(start, config, paths, &issue, wish.private)?;
    if let (Some(own), Behind::Shared { .. }) = (&own, &behind) {
        own.await_taken_up(paths)?;
    }
    let failed = |e: std::io::Error| {
        let next = "set TMPDIR to a directory this user can write to";
        Error::new("run_files", "the files of the child could not be written", e, next)
    };
    let url = behind.url()?;
    let (host, port) = split(&url)?;
    let wgetrc = files::wgetrc_of_person();
    let materials = Materials::write(&files::parent(), &issue, &url, wgetrc.as_deref()).map_err(failed)?;
    let way = Way { host, port, files: materials.files.clone() };
    let variables = environment::of_child(env::vars_os(), Some(&way), &issue.secrets);
    drop(issue); // values are needed no longer
    let child = child::run(&wish.command, variables)?;
    let run = own.as_ref().map(|own| own.name().to_owned());
    let tally = Some(behind.leave(paths));
    drop(own); // what the child left behind uses them no longer
    Ok(Ended { code: child.code, why: child.why, tally, run })
}

/// The proxy in front of a child.
enum Behind {
    Private(Arc<dyn Service>),
    Shared { url: String, before: Tally },
}

impl Behind {
    /// The running proxy, if it is one that this configuration would make; else a private one on a free loopback port.
    fn find(
        start: &dyn Start,
        config: &Config,
        paths: &Paths,
        issue: &Issue,
        private: bool,
    ) -> Result<Self, Error> {
        let running = if private { None } else { daemon::status(paths).ok() };
        if let Some(status) = running.filter(|s| suits(s, config, issue))
            && let Some(url) = status["url"].as_str()
        {
            return Ok(Self::Shared { url: url.to_owned(), before: Tally::of(&status, true) });
        }
        let mut own = config.clone();
        own.proxy.listen = Listen::Tcp((Ipv4Addr::LOCALHOST, 0).into());
        start.start(Arc::new(own), paths).map(Self::Private)
    }

    fn url(&self) -> Result<String, Error> {
        match self {
            Self::Shared { url, .. } => Ok(url.clone()),
            Self::Private(service) => service.local().url().ok_or_else(|| nowhere("it listens on no port")),
        }
    }

    /// What it did; a private one is drained first, so that everything has been counted and written down.
    fn leave(self, paths: &Paths) -> Tally {
        match self {
            Self::Private(service) => {
                service.drain(PATIENCE);
                Tally::of(&service.status(), false)
            }
            Self::Shared { before, .. } => match daemon::status(paths) {
                Ok(after) => Tally::of(&after, true).since(&before),
                Err(_) => Tally { shared: true, ..Tally::default() },
            },
        }
    }
}

fn suits(status: &Value, config: &Config, issue: &Issue) -> bool {
    let says = |v: &Value, text: &str| v.as_str() == Some(text) && !text.is_empty();
    says(&status["config_digest"], &config.digest)
        && says(&status["ca"]["fingerprint"], &issue.ca_fingerprint)
}

fn split(url: &str) -> Result<(String, u16), Error> {
    match url.strip_prefix("http://").and_then(Listening::parse) {
        Some(Listening::Tcp(at)) => Ok((at.ip().to_string(), at.port())),
        _ => Err(nowhere(url)),
    }
}

fn nowhere(why: &str) -> Error {
    Error::new("run_proxy", "the proxy has no address for a child", why, "use `katana run --private`")
}

#[cfg(test)]
mod tests;
