//! `katana check`: what would become of a request. It goes the way every request goes, as far as the wire and no further,
//! and what is said of it is read from the audit record it leaves, in a trail of its own that is thrown away.

use super::assemble::{self, Calls};
use super::keep::NotKept;
use super::scratch::Scratch;
use super::service::Error;
use crate::audit::query::{self, Filter};
use crate::audit::{Event, Trail};
use crate::base::host::Authority;
use crate::base::paths::Paths;
use crate::config::{Config, Listen};
use crate::pipeline::{Access, Book, Client, Denial, Exchange, Outcome, RequestHead, Ruling, Scheme, Tokens};
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

/// Asks. Nothing is resolved, dialled, sent but what references of the vault need, or written to the person's audit.
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
    let tokens = Tokens::new(trail.clone(), Box::new(NotKept));
    let (live, _) = assemble::live(config, paths, own, &trail, &tokens, Calls::Rehearsed)?;
    let live = Arc::new(live);
    let references = assemble::references(config);
    let vault = ArcSwap::from_pointee(assemble::first_generation(config, paths, &references)?);
    let access = Arc::new(Access::new(trail.clone()));
    let book = Book { vault, trail: trail.clone(), minted: tokens.minted(), access };
    let mut answer = blank(&engine, &to, &head);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let body = Bytes::copy_from_slice(&question.body);
    runtime.map_err(|e| broken(&e))?.block_on(judge(&live, &book, (scheme, to, head), body, &mut answer));
    trail.flush().map_err(|e| broken(&e))?;
    let exchanges = Filter { event: Some(Event::ProxyRequest), ..Filter::default() };
    let records = query::newest(&trail_at, &exchanges, 1).map_err(|e| broken(&e))?;
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
    match proxy::rehearse(live, &ex, head, body).await {
        Err(denial) => answer.refused(ex.refusal().unwrap_or(denial)),
        Ok(_) => answer.dialled(live, &ex, Outcome::Delivered),
    }
    answer.bound(&ex);
}

impl Answer {
    /// What went in, and what would have if the vault had it.
    fn bound(&mut self, ex: &Exchange) {
        let (to, bindings) = (&ex.authority, &ex.vault.bindings);
        let bound = bindings.all(&to.host, to.port, ex.method.as_str(), ex.path());
        let credential = |secret: &Arc<str>, slot| Credential { secret: secret.clone(), slot };
        for (held, slot) in ex.injections() {
            self.injected.extend(ex.vault.held.get(held).map(|h| credential(&h.name, slot.to_string())));
        }
        if bound.iter().all(|b| b.held.is_none()) {
            self.missing = bound.first().map(|b| credential(&b.secret, b.slot.to_string()));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::service::fake;
    use crate::base::secret::Secret;
    use crate::vault::{self, Meta, Name, Vault};

    const VALUE: &str = "sk-proj-a-made-up-key-0123456789";

    /// A home with one secret, and how the question goes there.
    struct Home {
        dir: tempfile::TempDir,
        config: Config,
        placeholder: String,
    }

    fn home(settings: &str) -> Home {
        let dir = tempfile::tempdir().unwrap();
        let text = format!("vault: {{ key_source: file }}\n{settings}");
        let config = Config::from_text(&text, &dir.path().join("config.yaml"), []).unwrap();
        let vault = Vault::open(&vault::place(&fake::paths(dir.path()), &config.vault)).unwrap();
        let name = Name::parse("OPENAI_API_KEY").unwrap();
        let placeholder = vault.set(&name, &Secret::from(VALUE), Meta::default()).unwrap().to_string();
        Home { dir, config, placeholder }
    }

    impl Home {
        fn ask(&self, method: &str, url: &str, headers: &[&str], body: &[u8]) -> Result<Answer, Error> {
            let headers = headers.iter().map(|h| (*h).to_owned()).collect();
            let question =
                Question { method: method.to_owned(), url: url.to_owned(), headers, body: body.to_vec() };
            ask(&self.config, &fake::paths(self.dir.path()), &question)
        }

        /// Fate, and the code of a denial.
        fn fate(&self, method: &str, url: &str, headers: &[&str], body: &[u8]) -> (Fate, &'static str) {
            let answer = self.ask(method, url, headers, body).unwrap();
            (answer.fate, answer.denial.map_or("", |d| d.code))
        }
    }

    #[test]
    fn it_says_what_the_proxy_does() {
        let h = home("proxy: { upstream: { resolve: ['inside.example=10.0.0.1:443'] } }");
        let own = format!("Authorization: Bearer {}", h.placeholder);
        let get = |url: &str, headers: &[&str]| h.fate("GET", url, headers, b"");
        let denied = |code| (Fate::Denied, code);
        assert_eq!(get("https://a.example/", &[]), (Fate::Forwarded, ""));
        assert_eq!(get("https://rekor.sigstore.dev/", &[]), (Fate::Untouched, ""));
        assert_eq!(get("http://rekor.sigstore.dev/", &[]), (Fate::Untouched, ""));
        assert_eq!(get("https://localhost/", &[]), denied("destination_denied"));
        assert_eq!(get("https://inside.example/", &[]), denied("destination_denied"), "judged as at dial");
        assert_eq!(get("https://x.webhook.site/", &[]), denied("policy_escalated"));
        assert_eq!(get("https://a.example/", &[&own]), denied("placeholder_misplaced"));
        assert_eq!(get("http://api.openai.com/", &[&own]), denied("placeholder_misplaced"));
        assert_eq!(get("https://a.example/", &["Host: b.example"]), denied("authority_mismatch"));
        assert_eq!(get("https://a.example/", &["Upgrade: websocket"]), denied("upgrade_refused"));
    }

    #[test]
    fn it_names_what_goes_in_and_what_comes_out_and_shows_neither() {
        let h = home("");
        let answer = h.ask("POST", "https://api.openai.com/v1/x", &[], VALUE.as_bytes()).unwrap();
        assert_eq!(answer.fate, Fate::Forwarded);
        assert_eq!(answer.injected[0].slot, "header:authorization:Bearer");
        assert_eq!(answer.scrubbed, ["OPENAI_API_KEY"]);
        assert!(!serde_json::to_string(&answer).unwrap().contains(VALUE));
        let missing = h.ask("GET", "https://api.anthropic.com/", &[], b"").unwrap().missing.unwrap();
        assert_eq!(&*missing.secret, "ANTHROPIC_API_KEY");
        let own = h.ask("GET", "https://api.openai.com/", &["Authorization: Bearer mine"], b"").unwrap();
        assert!(own.injected.is_empty(), "a slot that is taken is let alone");
        let audit = fake::paths(h.dir.path()).audit();
        assert!(!audit.exists(), "the person's audit is not written to");
    }

    #[test]
    fn what_decodes_to_nothing_is_looked_at_too() {
        let h = home("");
        let sent = |coding: &str, body: &[u8]| {
            h.fate("POST", "https://a.example/", &[&format!("Content-Encoding: {coding}")], body)
        };
        let value = VALUE.as_bytes();
        let named = [b"\x1f\x8b\x08\x08\0\0\0\0\0\xff", value].concat();
        let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 32, 0, 0, 0], value].concat();
        assert_eq!(value.len(), 32, "the length in the skipped frame's head");
        for (coding, body) in [("gzip", &named[..]), ("zstd", &skipped), ("deflate", value)] {
            assert_eq!(sent(coding, body), (Fate::Denied, "secret_blocked"), "{coding}");
        }
        assert_eq!(sent("gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\xff").0, Fate::Forwarded);
    }

    #[test]
    fn nor_does_it_pass_in_a_compressed_stream() {
        use std::io::Write;
        let h = home("");
        let noise: Vec<u8> = (0..3_u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let sent = |name: &str| {
            let head = flate2::GzBuilder::new().filename(name);
            let mut gzip = head.write(Vec::new(), flate2::Compression::none());
            gzip.write_all(&noise).unwrap();
            let body = gzip.finish().unwrap();
            h.fate("POST", "https://a.example/", &["Content-Encoding: gzip"], &body)
        };
        assert_eq!(sent("notes.txt"), (Fate::Forwarded, ""));
        assert_eq!(sent(VALUE), (Fate::Denied, "secret_blocked"));
    }

    #[test]
    fn a_locked_vault_is_no_answer_and_a_bad_question_is_a_mistake() {
        let h = home("");
        std::fs::write(fake::paths(h.dir.path()).vault_lock(), "locked").unwrap();
        assert_eq!(h.fate("GET", "https://a.example/", &[], b""), (Fate::Unevaluated, "vault_locked"));
        for (method, url) in [
            ("GET", "a.example"),
            ("GET", "ftp://a.example/"),
            ("GET", "https://127.1/"),
            ("GET", "https://u@a.example/"),
            ("CONNECT", "https://a.example/"),
            ("G T", "https://a.example/"),
        ] {
            assert_eq!(h.ask(method, url, &[], b"").unwrap_err().code, "bad_request", "{method} {url}");
        }
        assert_eq!(h.ask("GET", "https://a.example/", &["no colon"], b"").unwrap_err().code, "bad_request");
    }
}
