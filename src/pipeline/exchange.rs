//! `Exchange`: one request and its answer. Shared by everything that touches it, its ledger only grows,
//! and dropping it writes exactly one audit record (`record`), whatever became of it.

mod record;

use super::access::Access;
use super::denial::Denial;
use super::slot::BodySlots;
use super::stage::{Direction, Replaced};
use crate::audit::{Finding, Trail};
use crate::base::clock::Timestamp;
use crate::base::host::{Authority, Host};
use crate::base::id::ExchangeId;
use crate::broker::sigv4::Signed;
use crate::broker::{Minted, Token, minted};
use crate::config::{Account, Slot};
use crate::scanner::Stream;
use crate::telemetry::metrics::Metric;
use crate::vault::Generation;
use crate::vault::scrub::Hit;
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Client {
    /// Over TCP, from this address.
    Tcp(IpAddr),
    /// Over the Unix socket, as this user.
    Unix(u32),
}

/// As the audit names it.
impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => addr.fmt(f),
            Self::Unix(uid) => write!(f, "uid:{uid}"),
        }
    }
}

/// How the request goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// In clear.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// The port that stands for itself.
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// How an exchange ended. The first one said stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The whole answer was handed to the client.
    Delivered,
    /// A ruling refused it.
    Refused(Denial),
    /// A tunnel that was passed through untouched.
    Tunnelled,
    /// Upstream failed; the code says how.
    Failed(&'static str),
    /// The client went away.
    Cancelled,
    /// A CONNECT that was opened for interception: the exchanges inside have records of their own.
    Opened,
}

/// What the head of a request left to be done when its body is there, or its answer.
pub enum Errand {
    /// A token went in; upstream may refuse it.
    Token(Arc<Account>, Arc<Token>),
    /// It is to be signed.
    Sign(Box<Signing>),
}

/// A request that is to be signed.
pub struct Signing {
    /// By whom.
    pub account: Arc<Account>,
    /// As the agent signed it.
    pub signed: Signed,
    /// Does it say that its body is `aws-chunked`?
    pub chunked: bool,
    /// Nothing says what the body hashes to: all of it is needed.
    pub whole: bool,
}

/// No method of RFC 9110 is this long.
const SHORTEST_HIT: usize = 8;

/// As many reasons, and as many findings, are kept of one exchange; each is kept once.
const MOST_NOTES: usize = 64;

/// Everything that was said of an exchange so far.
#[derive(Debug, Default)]
pub struct Ledger {
    outcome: Option<Outcome>,
    status: u16,
    reasons: Vec<String>,
    findings: Vec<Finding>,
    injected: Vec<(usize, Slot)>,
    scrubbed: Vec<usize>,
    hidden: Vec<Range<usize>>,
    host_hidden: bool,
}

/// One request and its answer.
pub struct Exchange {
    /// Its name, which the client sees too.
    pub id: ExchangeId,
    /// Who asks.
    pub client: Client,
    /// What CONNECT or the absolute form named: policy, DNS, SNI, certificate and audit all use this one value.
    pub authority: Authority,
    /// How it goes out.
    pub scheme: Scheme,
    /// The method.
    pub method: http::Method,
    /// The target as the client sent it; only its redacted form leaves this struct.
    pub uri: http::Uri,
    /// The vault as it was when the exchange began.
    pub vault: Arc<Generation>,
    /// Body bytes from the client, as sent on.
    pub bytes_in: AtomicU64,
    /// Body bytes to the client.
    pub bytes_out: AtomicU64,
    unread: bool,
    began: Instant,
    at: Timestamp,
    trail: Arc<Trail>,
    access: Arc<Access>,
    ledger: Mutex<Ledger>,
    echoing: OnceLock<Vec<usize>>,
    body_slots: OnceLock<BodySlots>,
    minted: Option<Arc<Minted>>,
    errand: OnceLock<Errand>,
    /// What the judge remembers of bodies that pass piece by piece: the request's, the answer's.
    passing: [Mutex<Option<Box<Stream>>>; 2],
}

/// Opens exchanges: knows the vault of the moment, and the trail they are recorded in.
pub struct Book {
    /// Swapped whole when the vault changes; an exchange keeps the one it began with.
    pub vault: ArcSwap<Generation>,
    /// Where exchanges are recorded.
    pub trail: Arc<Trail>,
    /// Tokens that are out.
    pub minted: Arc<Minted>,
    /// Where the uses of secrets are counted.
    pub access: Arc<Access>,
}

/// Stands where no destination could be read; no record shows it.
#[must_use]
pub fn nowhere() -> Authority {
    Authority { host: Host::Addr(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), port: 1 }
}

impl Book {
    /// Opens an exchange whose head was never read, to be refused. What is not known of it stays out of its record.
    #[must_use]
    pub fn open_unread(&self, client: Client, to: Option<(Authority, Scheme)>) -> Arc<Exchange> {
        let (authority, scheme) = to.unwrap_or_else(|| (nowhere(), Scheme::Http));
        let mut ex = self.open(client, authority, scheme, http::Method::GET, http::Uri::from_static("/"));
        if let Some(ex) = Arc::get_mut(&mut ex) {
            ex.unread = true;
        }
        ex
    }

    /// Opens an exchange; from here on it will be recorded.
    #[must_use]
    pub fn open(
        &self,
        client: Client,
        authority: Authority,
        scheme: Scheme,
        method: http::Method,
        uri: http::Uri,
    ) -> Arc<Exchange> {
        Metric::ExchangesOpen.inc();
        let vault = self.vault.load_full();
        // where no credential is obtained, nothing is looked for
        let minted = (!vault.bindings.accounts().is_empty()).then(|| self.minted.clone());
        Arc::new(Exchange {
            id: ExchangeId::next(),
            client,
            authority,
            scheme,
            method,
            uri,
            vault,
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            unread: false,
            began: Instant::now(),
            at: Timestamp::now(),
            trail: self.trail.clone(),
            access: self.access.clone(),
            ledger: Mutex::default(),
            echoing: OnceLock::new(),
            body_slots: OnceLock::new(),
            minted,
            errand: OnceLock::new(),
            passing: Default::default(),
        })
    }
}

impl Exchange {
    /// The path without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// How it ended; the first word stands.
    pub fn conclude(&self, outcome: Outcome) {
        self.ledger.lock().outcome.get_or_insert(outcome);
    }

    /// Refuses it; the first refusal stands and is handed back.
    pub fn refuse(&self, denial: Denial) -> Denial {
        let mut ledger = self.ledger.lock();
        match ledger.outcome.get_or_insert_with(|| Outcome::Refused(denial.clone())) {
            Outcome::Refused(first) => first.clone(),
            _ => denial,
        }
    }

    /// The refusal, if it was refused.
    #[must_use]
    pub fn refusal(&self) -> Option<Denial> {
        match &self.ledger.lock().outcome {
            Some(Outcome::Refused(d)) => Some(d.clone()),
            _ => None,
        }
    }

    /// The status the client got.
    pub fn answered(&self, status: u16) {
        self.ledger.lock().status = status;
    }

    /// A reason for the record.
    pub fn reason(&self, text: String) {
        let mut ledger = self.ledger.lock();
        if !ledger.reasons.contains(&text) && ledger.reasons.len() < MOST_NOTES {
            ledger.reasons.push(text);
        }
    }

    /// A finding of the scanner.
    pub fn note(&self, finding: Finding) {
        Metric::Findings.inc();
        let mut ledger = self.ledger.lock();
        let known = ledger.findings.iter().any(|f| f.scanner == finding.scanner && f.place == finding.place);
        if !known && ledger.findings.len() < MOST_NOTES {
            ledger.findings.push(finding);
        }
    }

    /// A credential went in: its index in the vault generation, and where.
    pub fn injected(&self, held: usize, slot: Slot) {
        Metric::Injected.inc();
        let mut ledger = self.ledger.lock();
        let first = !ledger.injected.iter().any(|(at, _)| *at == held);
        ledger.injected.push((held, slot));
        drop(ledger);
        // by now every stage has seen the host: one that holds a secret has not come this far
        if first && let Some(secret) = self.vault.held.get(held) {
            self.access.used(&self.client, &secret.name, &self.authority.host, Timestamp::now());
        }
    }

    /// Credentials that went in so far: index in the vault generation, and slot.
    #[must_use]
    pub fn injections(&self) -> Vec<(usize, Slot)> {
        self.ledger.lock().injected.clone()
    }

    /// The slots that its body has. Said once, with the head; the body is then waited for to its end.
    pub fn expect_in_body(&self, slots: BodySlots) {
        let _ = self.body_slots.set(slots);
    }

    /// The slots that its body has, if there are any.
    #[must_use]
    pub fn body_slots(&self) -> Option<&BodySlots> {
        self.body_slots.get().filter(|s| !s.is_empty())
    }

    /// Secrets that this host may reflect: all that are bound to it, put in now or in an exchange before.
    pub fn echoing(&self) -> &[usize] {
        self.echoing.get_or_init(|| self.vault.bindings.held_on(&self.authority.host))
    }

    /// Tokens that are out now; `None`: none is.
    #[must_use]
    pub fn minted(&self) -> Option<Arc<minted::Set>> {
        self.minted.as_ref()?.now()
    }

    /// What is still to be done for this request; the first stays.
    pub fn run(&self, errand: Errand) {
        let _ = self.errand.set(errand);
    }

    /// What is still to be done for this request.
    #[must_use]
    pub fn errand(&self) -> Option<&Errand> {
        self.errand.get()
    }

    /// How the answer's body comes, where its head says so.
    pub fn passes_as(&self, stream: Stream) {
        *self.passing[1].lock() = Some(Box::new(stream));
    }

    /// Runs `f` with what is remembered of a body that passes piece by piece.
    pub fn in_passing<T>(&self, direction: Direction, f: impl FnOnce(&mut Stream) -> T) -> T {
        let at = usize::from(direction == Direction::Response);
        f(self.passing[at].lock().get_or_insert_default())
    }

    /// Did a credential go in?
    #[must_use]
    pub fn has_injected(&self) -> bool {
        !self.ledger.lock().injected.is_empty()
    }

    /// A vault value was taken out: its index in the vault generation.
    pub fn scrubbed(&self, held: usize) {
        Metric::Scrubbed.inc();
        let mut ledger = self.ledger.lock();
        if !ledger.scrubbed.contains(&held) {
            ledger.scrubbed.push(held);
        }
    }

    /// A replacement was made in a body.
    pub fn replaced(&self, what: Replaced) {
        match what {
            Replaced::Value(held) | Replaced::Token(held) => self.scrubbed(held),
            Replaced::Echo(held) => self.unechoed(held),
            Replaced::Placeholder { held, nth } => {
                if let Some(slot) = self.body_slots().and_then(|s| s.slot(nth)) {
                    self.injected(held, slot.clone());
                }
            }
        }
    }

    /// An injected credential that upstream reflected was taken out again.
    pub fn unechoed(&self, held: usize) {
        let name = self.vault.held.get(held).map_or("?", |h| &h.name);
        self.reason(format!("upstream reflected {name}; the agent got its placeholder"));
    }

    /// Part of the path and query that no record may show.
    pub fn hide(&self, span: Range<usize>) {
        self.ledger.lock().hidden.push(span);
    }

    /// The host's name may be shown in no record.
    pub fn hide_host(&self) {
        self.ledger.lock().host_hidden = true;
    }

    /// A vault value or placeholder in the method; methods of the book are none.
    #[must_use]
    pub fn method_hit(&self) -> Option<Hit> {
        let method = self.method.as_str();
        if method.len() < SHORTEST_HIT || self.vault.matcher.is_empty() {
            return None;
        }
        let mut hits = Vec::new();
        self.vault.matcher.find(method.as_bytes(), &mut hits);
        hits.into_iter().next()
    }

    /// Does the vault know anything in these bytes? And from where on it may yet, when more follow.
    #[must_use]
    pub fn vault_knows(&self, bytes: &[u8]) -> (bool, usize) {
        let mut hits = Vec::new();
        let hold = if self.vault.matcher.is_empty() {
            bytes.len()
        } else {
            self.vault.matcher.scan(bytes, &mut hits)
        };
        let hold = self.minted().map_or(hold, |set| hold.min(set.matcher.scan(bytes, &mut hits)));
        (!hits.is_empty(), hold)
    }
}
