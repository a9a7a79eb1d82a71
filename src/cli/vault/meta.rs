//! What is said beside a value, as flags: when it expires, where it goes.

use super::desk::Desk;
use crate::base::clock::Timestamp;
use crate::cli::context::Tone;
use crate::vault::{Expiry, Going, Name, Vault};
use std::time::Duration;

/// The flags that say where a secret goes and how long.
#[derive(clap::Args)]
pub(super) struct Said {
    /// When it expires: a time from now (30d, 12h), a date (2027-01-31), or `never`
    #[arg(long, value_name = "WHEN", value_parser = expiry)]
    expires: Option<Expiry>,
    /// A host it goes to: HOST, HOST:PORT or *.SUFFIX; may be given again
    #[arg(long = "host", value_name = "HOST", conflicts_with = "unbind")]
    hosts: Vec<String>,
    /// Its place in a request, as in the configuration: header:Authorization:Bearer, query:key, …
    #[arg(long, value_name = "SLOT", conflicts_with = "unbind")]
    slot: Option<String>,
    /// A method it is put into, `any` for all; may be given again
    #[arg(long = "method", value_name = "METHOD", conflicts_with = "unbind")]
    methods: Vec<String>,
    /// A path it is put into: /v1/**, `any` for all; may be given again
    #[arg(long = "path", value_name = "PATH", conflicts_with = "unbind")]
    paths: Vec<String>,
    /// Forget hosts, slot, methods and paths: the configuration and the providers say again where it goes
    #[arg(long)]
    unbind: bool,
}

impl Said {
    /// Is nothing said?
    pub(super) fn nothing(&self) -> bool {
        self.expires.is_none() && self.going().is_none()
    }

    pub(super) fn expires(&self) -> Option<Expiry> {
        self.expires
    }

    pub(super) fn going(&self) -> Option<Going> {
        if self.unbind {
            return Some(Going::Unsaid);
        }
        let any = |list: &[String]| match list {
            [] => None,
            [one] if one == "any" => Some(Vec::new()),
            all => Some(all.to_vec()),
        };
        let (methods, paths) = (any(&self.methods), any(&self.paths));
        let hosts = (!self.hosts.is_empty()).then(|| self.hosts.clone());
        let said = hosts.is_some() || self.slot.is_some() || methods.is_some() || paths.is_some();
        said.then(|| Going::Said { hosts, slot: self.slot.clone(), methods, paths })
    }
}

/// A value that came in new under an expiry that is over is still refused: that should be no surprise.
pub(super) fn warn_if_expired(desk: &Desk<'_>, vault: &Vault, key: &Name) {
    let over = vault.history(key).ok().and_then(|l| l.expires).filter(|at| *at <= Timestamp::now());
    if let Some(at) = over {
        desk.ctx.note(format!(
            "{}: {key} expired at {at} and stays refused; say --expires 30d, or --expires never",
            desk.ctx.paint(Tone::Warn, "warning")
        ));
    }
}

/// `never`, a date, a time, or how long from now.
fn expiry(text: &str) -> Result<Expiry, String> {
    const INSTEAD: &str = "write a time from now (30d, 12h), a date (2027-01-31), or never";
    if text == "never" {
        return Ok(Expiry::Never);
    }
    let now = Timestamp::now();
    let date = Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}T00:00:00Z")));
    let at = match date {
        Some(at) => at,
        None => later(now, span(text).map_err(|_| INSTEAD.to_owned())?),
    };
    if at <= now { Err(format!("is over already; {INSTEAD}")) } else { Ok(Expiry::At(at)) }
}

/// How long: `30d`, `12h`, `90m`; at most a hundred years.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    const CENTURY: Duration = Duration::from_secs(100 * 366 * 86_400);
    let span = humantime::parse_duration(text)
        .map_err(|_| "write a number with its unit: 30d, 12h, 90m".to_owned())?;
    if span > CENTURY { Err("is longer than a hundred years".into()) } else { Ok(span) }
}

pub(super) fn later(now: Timestamp, span: Duration) -> Timestamp {
    Timestamp(now.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_something_expires() {
        assert_eq!(expiry("never"), Ok(Expiry::Never));
        let Ok(Expiry::At(at)) = expiry("30d") else { panic!("no time") };
        let ahead = at.0 - Timestamp::now().0;
        assert!((30 * 86_400_000 - 60_000..=30 * 86_400_000).contains(&ahead), "{ahead}");
        assert_eq!(expiry("2999-01-31"), Ok(Expiry::At(Timestamp::parse("2999-01-31T00:00:00Z").unwrap())));
        assert_eq!(expiry("2999-01-31T12:00:00Z"), expiry("2999-01-31T12:00:00.000Z"));
        for bad in ["", "30", "2001-01-01", "tomorrow", "-1d", "0s", "500y", "999999999999999999d"] {
            assert!(expiry(bad).is_err(), "{bad}");
        }
    }
}
