//! A running proxy: what it serves with, how that is swapped at a reload, and what it says of itself.

use super::assemble::{self, Calls};
use super::build::{self, unusable};
use super::ca;
use super::keep::Keep;
use super::references;
use super::service::{Error, Listening, Service};
use super::watch;
use crate::audit::{Decision, Event, Record, Trail};
use crate::base::clock::Timestamp;
use crate::base::id;
use crate::base::paths::Paths;
use crate::certs::{Authority, Leaves};
use crate::config::Config;
use crate::pipeline::{Access, Book, Tokens};
use crate::proxy::tls::accept::Acceptor;
use crate::proxy::{self, Bound, Server, Shared};
use crate::scanner::{self, Judge};
use crate::telemetry::metrics::{self, Metric};
use crate::vault::reference::Resolver;
use crate::vault::{self, Generation, Vault};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// One running proxy.
pub(super) struct Running {
    shared: Arc<Shared>,
    server: Server,
    leaves: Arc<Leaves>,
    trail: Arc<Trail>,
    tokens: Arc<Tokens>,
    access: Arc<Access>,
    pub(super) paths: Paths,
    pub(super) config: ArcSwap<Config>,
    judge: ArcSwap<Judge>,
    /// One change at a time: a reload and a changed vault must not overtake each other.
    turn: Mutex<()>,
    generations: AtomicU64,
    /// `--listen` said where, not the configuration.
    listen_given: bool,
    /// Why the vault cannot be read, and what to do; null while it can.
    trouble: Mutex<Value>,
    /// The same of the authority's files.
    ca_trouble: Mutex<Value>,
    /// What is known of entries by reference.
    pub(super) references: Arc<Resolver>,
    ended: AtomicBool,
}

impl Running {
    /// Builds everything and binds. The vault and the configuration file are watched from here on.
    ///
    /// # Errors
    /// What could not be built.
    pub(super) fn start(config: Arc<Config>, paths: &Paths) -> Result<Arc<Self>, Error> {
        let ca = Arc::new(ca::authority(&config, paths)?);
        let certs = |e: crate::certs::Error| Error::new(e.code(), "no leaves can be made", &e, e.remedy());
        let leaves = Arc::new(Leaves::new(ca).map_err(certs)?);
        let trail = Trail::open(&paths.audit(), &config.audit).map_err(|e| {
            let next = format!("make {} writable for this user, or free the disk", paths.audit().display());
            Error::new(e.code(), "the audit cannot be written", &e, next)
        })?;
        let trail = Arc::new(trail);
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let bound = Bound::open(&config.proxy.listen, threads).map_err(|e| listen_failed(&e))?;
        let tokens = Tokens::new(trail.clone(), Box::new(Keep::new(paths, &config.vault, &trail)));
        let (live, judge) = assemble::live(&config, paths, own(bound.at()), &trail, &tokens, Calls::Made)?;
        let references = assemble::references(&config);
        let generation = assemble::first_generation(&config, paths, &references)?;
        let trouble = Mutex::new(trouble(&config, paths, &generation));
        let tls = |e: proxy::Error| Error::new(e.code(), "TLS cannot be set up", &e, "report this as a bug");
        let access = Arc::new(Access::new(trail.clone()));
        let via_key =
            id::random().map_err(|e| Error::new("no_randomness", "no random key", e, "check the system"))?;
        let shared = Arc::new(Shared {
            live: ArcSwap::from_pointee(live),
            book: Book {
                vault: ArcSwap::from_pointee(generation),
                trail: trail.clone(),
                minted: tokens.minted(),
                access: access.clone(),
            },
            acceptor: Acceptor::new(leaves.clone()).map_err(tls)?,
            via_key,
        });
        let server = bound.serve(&shared).map_err(|e| listen_failed(&e))?;
        let by = |(key, from): &(String, String)| key == build::LISTEN && from == build::COMMAND_LINE;
        let listen_given = config.origins.iter().any(by);
        let running = Arc::new(Self {
            shared,
            server,
            leaves,
            trail,
            tokens,
            access,
            paths: paths.clone(),
            config: ArcSwap::new(config),
            judge: ArcSwap::new(judge),
            turn: Mutex::new(()),
            generations: AtomicU64::new(2),
            listen_given,
            trouble,
            ca_trouble: Mutex::default(),
            references,
            ended: AtomicBool::new(false),
        });
        running.say(Event::SessionStart, "proxy.start", Decision::Allow, Vec::new());
        watch::start(&running);
        references::start(&running);
        Ok(running)
    }

    /// Has it been drained?
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Relaxed)
    }

    /// Is the vault one that could not be read, and can be now? What went wrong need not have been in its files.
    pub(super) fn vault_has_healed(&self) -> bool {
        self.shared.book.vault.load().sealed.is_some()
            && vault_now(&self.config.load(), &self.paths).is_none()
    }

    /// Has the time of a secret come since the vault was taken up? Then it is taken up anew, and bars it.
    pub(super) fn a_secret_has_expired(&self) -> bool {
        let now = Timestamp::now();
        let held = &self.shared.book.vault.load().held;
        held.iter().any(|h| {
            let barred = matches!(h.barred, Some(vault::Barred::Expired(_)));
            !barred && h.expires.is_some_and(|at| at <= now)
        })
    }

    /// The vault has changed: what it holds now is what the path serves with next.
    pub(super) fn vault_changed(&self) {
        self.follow("vault.follow");
    }

    /// A reference gives another value than before, or none any more, or one again.
    pub(super) fn references_changed(&self) {
        self.follow("vault.references");
    }

    fn follow(&self, operation: &'static str) {
        let _turn = self.turn.lock();
        let number = self.generations.fetch_add(1, Relaxed);
        match assemble::generation(&self.config.load(), &self.paths, number, &self.references) {
            Ok(generation) => {
                let state = state(generation.sealed, generation.held.len());
                self.serve_with(&self.config.load(), generation);
                tracing::info!(number, state, operation, "the vault changed");
                self.say(Event::VaultAccess, operation, Decision::Allow, vec![format!("now {state}")]);
            }
            Err(why) => tracing::error!(%why, "the changed vault is not taken up"),
        }
    }

    /// The authority's files have changed, or the time of the next one has come: who signs from here on is who they say.
    pub(super) fn authority_changed(&self) {
        let config = self.config.load();
        match ca::authority(&config, &self.paths) {
            Ok(now) => {
                let (old, now) = (self.leaves.authority(), Arc::new(now));
                let same = old.der() == now.der();
                let told = format!("{} signs{}", now.fingerprint(), if same { " as before" } else { "" });
                if !same || now.next() != old.next() || now.is_sealed() != old.is_sealed() {
                    tracing::info!(fingerprint = now.fingerprint(), same, "the authority changed");
                    self.leaves.sign_by(now);
                    self.say(Event::ConfigChange, "ca.follow", Decision::Allow, vec![told]);
                }
            }
            Err(why) => {
                let told = json!({ "code": why.code, "why": why.to_string(), "remedy": why.next });
                let before = std::mem::replace(&mut *self.ca_trouble.lock(), told.clone());
                if before != told {
                    tracing::error!(code = why.code, %why, "the changed authority is not taken up: the old one signs on");
                }
                return;
            }
        }
        *self.ca_trouble.lock() = Value::Null;
    }

    /// Could the authority's files not be taken up when they were last looked at?
    pub(super) fn authority_is_in_trouble(&self) -> bool {
        !self.ca_trouble.lock().is_null()
    }

    /// The uses of secrets that are due go into the audit.
    pub(super) fn tell_uses(&self) {
        self.access.look(Timestamp::now());
    }

    /// Who signs now.
    pub(super) fn authority(&self) -> Arc<Authority> {
        self.leaves.authority()
    }

    fn serve_with(&self, config: &Config, generation: Generation) {
        *self.trouble.lock() = trouble(config, &self.paths, &generation);
        self.tokens.keep_only(generation.bindings.accounts());
        self.shared.book.vault.store(Arc::new(generation));
    }

    fn taken_up(&self, config: Config) -> Result<Value, Error> {
        let old = self.config.load_full();
        let (live, judge) = assemble::live(
            &config,
            &self.paths,
            own(self.server.at()),
            &self.trail,
            &self.tokens,
            Calls::Made,
        )?;
        let number = self.generations.fetch_add(1, Relaxed);
        self.references.set((&config.vault).into());
        let generation = assemble::generation(&config, &self.paths, number, &self.references)?;
        let mut weaker = config.weakened_from(&old);
        let was = self.judge.load().threshold();
        if let (Some(now), Some(was)) = (judge.threshold(), was)
            && now > was
        {
            weaker.push(format!("findings are refused from a score of {now} on, no longer {was}"));
        }
        let gained = judge.allow_list().gained_from(self.judge.load().allow_list());
        weaker.extend(gained.iter().map(|entry| format!("allow.yaml gained {entry}")));
        for what in &weaker {
            tracing::warn!(what, "the new configuration weakens protection");
        }
        let digest = config.digest.clone();
        self.serve_with(&config, generation);
        self.shared.live.store(Arc::new(live));
        self.judge.store(judge);
        self.config.store(Arc::new(config));
        Metric::Reloads.inc();
        let mut reasons = vec![format!("now {digest}")];
        reasons.extend(weaker.iter().map(|w| format!("weaker: {w}")));
        self.say(Event::ConfigChange, "config.reload", Decision::Allow, reasons);
        Ok(json!({ "config_digest": digest, "weakened": weaker }))
    }

    fn say(&self, event: Event, operation: &'static str, decision: Decision, reasons: Vec<String>) {
        let mut record = Record::new(event, Timestamp::now());
        record.tool_name = Some(operation.into());
        record.decision = Some(decision);
        record.reasons = reasons.into_iter().map(Into::into).collect();
        if let Err(why) = self.trail.append(record) {
            tracing::error!(%why, operation, "this is not in the audit");
        }
    }
}

impl Service for Running {
    fn local(&self) -> Listening {
        match self.server.at() {
            proxy::Listening::Tcp(at) => Listening::Tcp(*at),
            proxy::Listening::Unix(path) => Listening::Unix(path.clone()),
        }
    }

    fn status(&self) -> Value {
        let config = self.config.load();
        let vault = self.shared.book.vault.load();
        let ca = self.leaves.authority();
        Metric::CaDaysLeft.set(i64::try_from(ca.days_left()).unwrap_or(i64::MAX));
        let counters: serde_json::Map<String, Value> =
            metrics::ALL.iter().map(|(m, name)| ((*name).to_owned(), m.value().into())).collect();
        json!({
            "listen_given": self.listen_given,
            "config": config.source,
            "config_digest": config.digest,
            "mode": format!("{:?}", config.proxy.mode).to_lowercase(),
            "vault": state(vault.sealed, vault.held.len()),
            "vault_generation": vault.number,
            "vault_runs": runs(&vault),
            "vault_trouble": *self.trouble.lock(),
            "ca": ca::described(&ca),
            "ca_trouble": *self.ca_trouble.lock(),
            "audit_head": self.trail.head().hash,
            "audit_healthy": self.trail.healthy(),
            "allowances": allowances(&self.judge.load()),
            "counters": {
                "requests": Metric::Exchanges.value(),
                "injected": Metric::Injected.value(),
                "scrubbed": Metric::Scrubbed.value(),
                "denied": Metric::Denied.value(),
            },
            "metrics": counters,
        })
    }

    fn reload(&self) -> Result<Value, String> {
        let _turn = self.turn.lock();
        let old = self.config.load_full();
        let loaded = Config::load(old.source.as_deref(), &self.paths, Config::process_env());
        let taken = loaded.map_err(|p| unusable(&p)).and_then(|mut config| {
            // where it listens is settled at the start
            config.proxy.listen = old.proxy.listen.clone();
            self.taken_up(config)
        });
        taken.map_err(|why| {
            Metric::ReloadsFailed.inc();
            let reasons = vec![format!("refused: {}", why.code)];
            self.say(Event::ConfigChange, "config.reload", Decision::Deny, reasons);
            why.to_string()
        })
    }

    fn drain(&self, patience: Duration) -> bool {
        let drained = self.server.drain(patience);
        self.access.flush();
        if !self.ended.swap(true, Relaxed) {
            self.say(Event::SessionEnd, "proxy.stop", Decision::Allow, Vec::new());
        }
        if let Err(why) = self.trail.flush() {
            tracing::error!(%why, "the audit could not be written out");
        }
        drained
    }
}

/// What the allow-list lets through, and how often it did since it was read.
fn allowances(judge: &Judge) -> Value {
    let told = |e: &scanner::Allowance| {
        let expires = e.expires.map(|at| at.to_string());
        json!({ "allows": e.describe(), "reason": &*e.reason, "expires": expires, "expired": e.has_expired(), "hits": e.hits() })
    };
    judge.allow_list().entries().iter().map(told).collect()
}

/// The runs whose placeholders are honoured.
fn runs(vault: &Generation) -> Vec<String> {
    let now = Timestamp::now();
    let aliases = vault.held.iter().flat_map(|h| &h.aliases).filter(|a| !a.lapsed(now));
    let all: std::collections::BTreeSet<&str> = aliases.filter_map(|a| a.run.as_deref()).collect();
    all.into_iter().map(str::to_owned).collect()
}

/// Why the vault cannot be read at this moment; `None`: it can.
fn vault_now(config: &Config, paths: &Paths) -> Option<vault::Error> {
    Vault::look(&vault::place(paths, &config.vault)).and_then(|vault| vault.hold()).err()
}

/// The same for people, where the generation is a sealed one.
fn trouble(config: &Config, paths: &Paths, generation: &Generation) -> Value {
    let why = generation.sealed.and_then(|_| vault_now(config, paths));
    why.map_or(Value::Null, |e| json!({ "code": e.code(), "why": e.to_string(), "remedy": e.remedy() }))
}

/// The vault's state in a word.
fn state(sealed: Option<&'static str>, held: usize) -> &'static str {
    match sealed {
        Some(code) => code,
        None if held == 0 => "empty",
        None => "open",
    }
}

fn own(at: &proxy::Listening) -> Vec<SocketAddr> {
    match at {
        proxy::Listening::Tcp(at) => vec![*at],
        proxy::Listening::Unix(_) => Vec::new(),
    }
}

fn listen_failed(why: &proxy::Error) -> Error {
    let busy = matches!(why, proxy::Error::Listen { why, .. } if why.kind() == std::io::ErrorKind::AddrInUse);
    if busy {
        let next = "stop what listens there, or choose another address with --listen or proxy.listen";
        return Error::new("port_busy", "the proxy did not start", why, next);
    }
    Error::new(
        why.code(),
        "the proxy did not start",
        why,
        "choose another address with --listen or proxy.listen",
    )
}
