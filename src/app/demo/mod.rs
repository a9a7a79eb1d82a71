//! `katana demo`: an origin, an agent, and between them a real proxy with a vault, an authority and an audit that last
//! as long as the demo does. What is shown is what happened, and each expectation is checked.

mod agent;
mod origin;
mod scenes;

use self::agent::Agent;
use self::origin::Origin;
use super::build::Build;
use super::scratch::Scratch;
use super::service::{Error, Listening, Start};
use crate::audit::query::{self, Filter};
use crate::audit::{self, Event, Head};
use crate::base::host::Host;
use crate::base::id;
use crate::base::paths::Paths;
use crate::base::secret::Secret;
use crate::certs::{self, Authority, Leaves};
use crate::config::Config;
use crate::proxy::tls::accept::Acceptor;
use crate::proxy::tls::dial::Dialer;
use crate::vault::{self, Meta, Name, Vault};
use data_encoding::{BASE64, HEXLOWER};
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::Display;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Everything that happened.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Did every expectation hold?
    pub ok: bool,
    /// What was tried, in order.
    pub scenes: Vec<Scene>,
    /// The audit records of it.
    pub records: Vec<Value>,
    /// What was expected of the audit.
    pub audit: Vec<Check>,
    /// The last record's hash, if the chain holds.
    pub head: Option<String>,
    /// Who stars in it.
    #[serde(skip)]
    pub cast: Cast,
}

/// One thing that was tried.
#[derive(Debug, Serialize)]
pub struct Scene {
    /// In a few words.
    pub title: &'static str,
    /// What the agent is up to.
    pub told: &'static str,
    /// What the agent sent.
    pub sent: Message,
    /// What reached the origin.
    pub reached: Option<Message>,
    /// What the agent got.
    pub got: Message,
    /// What was expected.
    pub checks: Vec<Check>,
}

/// An expectation, and whether it held.
#[derive(Debug, Serialize)]
pub struct Check {
    /// The expectation.
    pub what: &'static str,
    /// Did it hold?
    pub held: bool,
}

/// A request or an answer, as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    /// Method and target, or the status.
    pub line: String,
    /// `name: value`, those that matter here.
    pub headers: Vec<String>,
    /// The body as text.
    pub body: String,
}

impl Message {
    fn new(line: String, headers: &http::HeaderMap, body: &[u8]) -> Self {
        let matters = |n: &str| n == "authorization" || n.starts_with("x-katana-");
        let shown = headers.iter().filter(|(n, _)| matters(n.as_str()));
        let headers = shown.map(|(n, v)| format!("{n}: {}", String::from_utf8_lossy(v.as_bytes())));
        Self { line, headers: headers.collect(), body: String::from_utf8_lossy(body).into_owned() }
    }

    fn holds(&self, text: &str) -> bool {
        self.body.contains(text) || self.headers.iter().any(|h| h.contains(text)) || self.line.contains(text)
    }
}

/// A secret made up for the demo, and what stands for it.
#[derive(Debug)]
pub struct Cast {
    /// The vault entry's name.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// The value in base64.
    pub encoded: String,
    /// What the agent holds.
    pub placeholder: String,
}

const NAME: &str = "OPENAI_API_KEY";
/// Where the secret belongs.
const API: &str = "api.openai.com";
/// Where it does not.
const PAGES: &str = "pages.example";

/// Runs the demo. Touches nothing that is the person's, and leaves nothing.
///
/// # Errors
/// What could not be set up or sent. An expectation that does not hold is no error: the report says so.
pub fn run() -> Result<Report, Error> {
    let scratch = Scratch::new()?;
    let paths = scratch.paths();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| failed("cannot start", e))?;
    let origin_ca = authority(&scratch.dir().join("origin-ca"))?;
    let origin = runtime.block_on(origin(&origin_ca))?;
    let config = Arc::new(configure(&paths, &origin, origin_ca.path())?);
    let cast = cast(&config, &paths)?;
    let service = Build.start(config, &paths)?;
    let Listening::Tcp(proxy) = service.local() else { return Err(failed("cannot start", "no TCP")) };
    let agent = Agent { proxy, dialer: trusting(&paths)? };
    let played = runtime.block_on(async {
        let all = scenes::play(&agent, &origin, &cast);
        tokio::time::timeout(PATIENCE, all).await.map_err(|_| failed("took too long", "no answer"))?
    });
    service.drain(Duration::from_secs(2));
    report(played?, cast, &paths)
}

const PATIENCE: Duration = Duration::from_secs(30);

fn report(scenes: Vec<Scene>, cast: Cast, paths: &Paths) -> Result<Report, Error> {
    let only = Filter { event: Some(Event::ProxyRequest), ..Filter::default() };
    let records =
        query::newest(&paths.audit(), &only, 100).map_err(|e| failed("cannot read its audit", e))?;
    let chain = audit::verify(&paths.audit()).ok();
    let audit = scenes::audit(&records, &chain, &cast);
    let ok = scenes.iter().flat_map(|s| &s.checks).chain(&audit).all(|c| c.held);
    Ok(Report { ok, scenes, records, audit, head: chain.map(|h: Head| h.hash), cast })
}

async fn origin(ca: &Arc<Authority>) -> Result<Origin, Error> {
    let leaves = Leaves::new(ca.clone()).map_err(|e| failed("cannot make certificates", e))?;
    let acceptor = Acceptor::new(Arc::new(leaves)).map_err(|e| failed("cannot set TLS up", e))?;
    let host = Host::parse(API).map_err(|e| failed("cannot start", e))?;
    Origin::open(acceptor, host).await.map_err(|e| failed("cannot listen on loopback", e))
}

fn authority(dir: &Path) -> Result<Arc<Authority>, Error> {
    Authority::load_or_make(dir).map(Arc::new).map_err(|e| failed("cannot make an authority", e))
}

/// What a person would write: where the names lead, that they may, and whom to trust for them.
fn configure(paths: &Paths, origin: &Origin, root: &Path) -> Result<Config, Error> {
    let text = json!({
        "proxy": {
            "listen": "127.0.0.1:0",
            "allow_private_destinations": [API, PAGES],
            "upstream": {
                "extra_roots": [root],
                "resolve": [format!("{API}={}", origin.at), format!("{PAGES}={}", origin.at)],
            },
        },
        "vault": { "key_source": "file" },
    });
    fs::write(&paths.config, text.to_string()).map_err(|e| failed("cannot write its configuration", e))?;
    let none = std::iter::empty(); // the person's own variables are not for the demo
    Config::load(Some(&paths.config), paths, none).map_err(|e| failed("cannot read its configuration", e))
}

fn cast(config: &Config, paths: &Paths) -> Result<Cast, Error> {
    let random: [u8; 26] = id::random().map_err(|e| failed("has no randomness", e))?;
    let value = format!("sk-proj-{}", HEXLOWER.encode(&random));
    let keep = |e: vault::Error| failed("cannot keep its secret", e);
    let vault = Vault::open(&vault::place(paths, &config.vault)).map_err(keep)?;
    let name = Name::parse(NAME).map_err(keep)?;
    let placeholder = vault.set(&name, &Secret::from(value.as_str()), Meta::default()).map_err(keep)?;
    let encoded = BASE64.encode(value.as_bytes());
    Ok(Cast { name: NAME, value, encoded, placeholder: placeholder.to_string() })
}

/// The agent trusts the proxy's authority and no other of ours.
fn trusting(paths: &Paths) -> Result<Dialer, Error> {
    let ca = authority(&paths.ca())?;
    let roots = certs::roots(&[ca.path().to_owned()]).map_err(|e| failed("cannot trust itself", e))?;
    Dialer::new(roots, true).map_err(|e| failed("cannot set TLS up", e))
}

fn failed(what: &str, why: impl Display) -> Error {
    let next = "run it again with -v; if it fails again, report this with the message";
    Error::new("demo_failed", format!("the demo {what}"), why, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_expectation_holds() {
        let report = run().unwrap();
        let all = report.scenes.iter().flat_map(|s| &s.checks).chain(&report.audit);
        let broken: Vec<_> = all.filter(|c| !c.held).map(|c| c.what).collect();
        assert!(report.ok && broken.is_empty(), "{broken:?}\n{report:#?}");
        assert_eq!((report.scenes.len(), report.records.len()), (4, 4));
    }
}
