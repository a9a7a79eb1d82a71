//! `katana check`: what would become of a request. It goes the way every request goes, as far as the wire and no further,
//! and what is said of it is read from the audit record it leaves, in a trail of its own that is thrown away.

use super::assemble;
use super::scratch::Scratch;
use super::service::Error;
use crate::audit::Trail;
use crate::audit::query::{self, Filter};
use crate::base::host::Authority;
use crate::base::paths::Paths;
use crate::config::{Config, Listen, Slot};
use crate::pipeline::{Book, Client, Denial, Exchange, Outcome, RequestHead, Ruling, Scheme};
use crate::policy::{Engine, Request};
use crate::proxy::{self, Dial, Live};
use arc_swap::ArcSwap;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderName, HeaderValue, Method, Uri};
use serde::Serialize;
use serde_json::Value;
use std::fmt::Display;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// A request, as it is written on a command line.
#[derive(Clone, Debug)]
pub struct Question {
    /// The method.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// `Name: value`.
    pub headers: Vec<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// What would become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It goes on, looked into.
    Forwarded,
    /// It goes on, and nothing of it is looked into.
    Untouched,
    /// It is answered with a denial.
    Denied,
    /// It could not be evaluated, and would be answered with a denial for that.
    Unevaluated,
}

/// The answer.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// In a word.
    pub fate: Fate,
    /// The denial.
    pub denial: Option<Refusal>,
    /// What was said of the address: it is known without a resolver, or judged when dialled.
    pub destination: String,
    /// The policy's name.
    pub policy: String,
    /// Its rules, those passed over first, last the one that decides.
    pub rules: Vec<Rule>,
    /// Credentials that would be put in.
    pub injected: Vec<Credential>,
    /// A credential that belongs here and that the vault does not hold.
    pub missing: Option<Credential>,
    /// Secrets that would be taken out, by name.
    pub scrubbed: Vec<Value>,
    /// What the scanner found, by rule and place.
    pub findings: Vec<Value>,
    /// What else the record says.
    pub reasons: Vec<Value>,
}

/// What the agent would be told.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "as in the pipeline's `Denial`")]
pub struct Refusal {
    pub status: u16,
    pub code: &'static str,
    pub stage: &'static str,
    pub rule: String,
    pub message: String,
    pub remedy: String,
}

/// One rule of the policy.
#[derive(Debug, Serialize)]
pub struct Rule {
    /// Its name.
    pub rule: Arc<str>,
    /// Its priority; domain lists and the default have none.
    pub priority: Option<u32>,
    /// What it does.
    pub action: &'static str,
    /// Why it did not decide; none for the one that did.
    pub passed_over: Option<String>,
}

/// A secret and its place, never its value.
#[derive(Debug, Serialize)]
pub struct Credential {
    /// The vault entry's name.
    pub secret: Arc<str>,
    /// As in the configuration: `header:authorization:Bearer`.
    pub slot: String,
}

/// Asks. Nothing is resolved, dialled, sent, or written to the person's audit.
///
/// # Errors
/// `bad_request` for a question that is no request; else what could not be built.
pub fn ask(config: &Config, paths: &Paths, question: &Question) -> Result<Answer, Error> {
    let (scheme, to, head) = read(question)?;
    let engine = assemble::policy(config)?;
    let scratch = Scratch::new()?;
    let trail_at = scratch.paths().audit();
    let broken =
        |e: &dyn Display| Error::new("check_failed", "the request cannot be judged", e, "free the disk");
    let trail = Arc::new(Trail::open(&trail_at, &config.audit).map_err(|e| broken(&e))?);
    let own = match &config.proxy.listen {
        Listen::Tcp(at) => vec![*at],
        Listen::Unix(_) => Vec::new(),
    };
    let live = Arc::new(assemble::live(config, own, &trail)?);
    let vault = ArcSwap::from_pointee(assemble::generation(config, paths, 1)?);
    let book = Book { vault, trail: trail.clone() };
    let mut answer = blank(&engine, &to, &head);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let body = Bytes::copy_from_slice(&question.body);
    runtime.map_err(|e| broken(&e))?.block_on(judge(&live, &book, (scheme, to, head), body, &mut answer));
    trail.flush().map_err(|e| broken(&e))?;
    let records = query::newest(&trail_at, &Filter::default(), 1).map_err(|e| broken(&e))?;
    let list = |field: &str| records.last().and_then(|r| r[field].as_array().cloned()).unwrap_or_default();
    (answer.scrubbed, answer.findings, answer.reasons) =
        (list("scrubbed"), list("scan_results"), list("reasons"));
    let told = answer.denial.as_ref().map(|d| d.message.clone());
    answer.reasons.retain(|r| r.as_str() != told.as_deref());
    Ok(answer)
}

/// What it is before anything is known.
fn blank(engine: &Engine, to: &Authority, head: &RequestHead) -> Answer {
    let steps = engine.explain(&Request {
        host: &to.host,
        port: to.port,
        method: head.method.as_str(),
        path: head.uri.path(),
        header: &|name| head.headers.get(name).and_then(|v| v.to_str().ok()),
    });
    let rule = |s: crate::policy::Step| Rule {
        rule: s.rule,
        priority: s.priority,
        action: s.action.as_str(),
        passed_over: s.passed_over,
    };
    Answer {
        fate: Fate::Forwarded,
        denial: None,
        destination: String::new(),
        policy: engine.name().to_owned(),
        rules: steps.into_iter().map(rule).collect(),
        injected: Vec::new(),
        missing: None,
        scrubbed: Vec::new(),
        findings: Vec::new(),
        reasons: Vec::new(),
    }
}

/// The way of the request: CONNECT first where there would be one, then the request inside, then the address.
async fn judge(
    live: &Arc<Live>,
    book: &Book,
    (scheme, to, head): (Scheme, Authority, RequestHead),
    body: Bytes,
    answer: &mut Answer,
) {
    let open = |method: Method, uri: Uri| {
        book.open(Client::Tcp(Ipv4Addr::LOCALHOST.into()), to.clone(), scheme, method, uri)
    };
    let asked = open(Method::CONNECT, Uri::from_static("/"));
    match live.pipeline.connect(&asked).await {
        Ruling::Refuse(denial) => return answer.refused(denial),
        Ruling::Untouched(_) => answer.fate = Fate::Untouched,
        Ruling::Forward(_) => {}
    }
    if scheme == Scheme::Https && answer.fate == Fate::Untouched {
        return answer.dialled(live, &asked, Outcome::Tunnelled);
    }
    asked.conclude(Outcome::Opened); // leaves no record: the request has its own
    let ex = open(head.method.clone(), head.uri.clone());
    answer.bound(&ex);
    match proxy::rehearse(live, &ex, head, body).await {
        Err(denial) => answer.refused(ex.refusal().unwrap_or(denial)),
        Ok(_) => answer.dialled(live, &ex, Outcome::Delivered),
    }
    if !ex.has_injected() {
        answer.injected.clear();
    }
}

impl Answer {
    /// What belongs to this destination: said as injected, or as missing.
    fn bound(&mut self, ex: &Exchange) {
        let (to, bindings) = (&ex.authority, &ex.vault.bindings);
        let Some(binding) = bindings.find(&to.host, to.port, ex.method.as_str(), ex.path()) else { return };
        let credential = Credential { secret: binding.secret.clone(), slot: slot(&binding.slot) };
        match binding.held {
            Some(_) => self.injected.push(credential),
            None => self.missing = Some(credential),
        }
    }

    fn dialled(&mut self, live: &Live, ex: &Exchange, outcome: Outcome) {
        match proxy::dial(live, &ex.authority) {
            Ok(Dial::Known(at)) => self.destination = format!("{at} may be dialled"),
            Ok(Dial::Unresolved) => {
                self.destination = format!(
                    "{} is not resolved here; its addresses are judged when dialled",
                    ex.authority.host
                );
            }
            Err(denial) => return self.refused(ex.refuse(denial)),
        }
        ex.conclude(outcome);
    }

    fn refused(&mut self, denial: Denial) {
        self.fate = if denial.status == 503 { Fate::Unevaluated } else { Fate::Denied };
        self.destination = "not reached".to_owned();
        self.denial = Some(Refusal {
            status: denial.status,
            code: denial.code,
            stage: denial.stage,
            rule: denial.rule.into_owned(),
            message: denial.message.into_owned(),
            remedy: denial.remedy.into_owned(),
        });
    }
}

fn slot(slot: &Slot) -> String {
    match slot {
        Slot::Header { name, scheme: None } => format!("header:{name}"),
        Slot::Header { name, scheme: Some(scheme) } => format!("header:{name}:{scheme}"),
        Slot::Basic { user } => format!("basic:{user}"),
        Slot::Query { name } => format!("query:{name}"),
    }
}

/// The request as the proxy would come to see it.
fn read(question: &Question) -> Result<(Scheme, Authority, RequestHead), Error> {
    let method = Method::from_bytes(question.method.as_bytes()).map_err(|e| bad("the method", e))?;
    if method == Method::CONNECT {
        return Err(bad("the method", "CONNECT opens a tunnel; ask about the request inside"));
    }
    let url: Uri = question.url.parse().map_err(|e| bad("the URL", e))?;
    let scheme = match url.scheme_str() {
        Some("https") => Scheme::Https,
        Some("http") => Scheme::Http,
        _ => return Err(bad("the URL", "it begins with neither https:// nor http://")),
    };
    let named = url.authority().map_or("", |a| a.as_str());
    let to = Authority::parse(named, Some(scheme.default_port())).map_err(|e| bad("the URL", e))?;
    let (mut head, ()) = http::Request::new(()).into_parts();
    head.uri = match (scheme, url.path_and_query()) {
        (Scheme::Https, Some(path)) => Uri::from(path.clone()),
        _ => url.clone(),
    };
    head.method = method;
    for line in &question.headers {
        let (name, value) = line.split_once(':').ok_or_else(|| bad("a header", "it is not `Name: value`"))?;
        let name: HeaderName = name.trim().parse().map_err(|e| bad("a header", e))?;
        let value = HeaderValue::from_str(value.trim()).map_err(|e| bad("a header", e))?;
        head.headers.append(name, value);
    }
    if !head.headers.contains_key(HOST) {
        let host = HeaderValue::from_str(named).map_err(|e| bad("the URL", e))?;
        head.headers.insert(HOST, host);
    }
    if !question.body.is_empty() && !head.headers.contains_key(CONTENT_LENGTH) {
        head.headers.insert(CONTENT_LENGTH, question.body.len().into());
    }
    Ok((scheme, to, head))
}

fn bad(what: &str, why: impl Display) -> Error {
    Error::new("bad_request", format!("{what} cannot be used"), why, "`katana check --help` has examples")
}
