//! Config → engines → pipeline: one configuration as the request path serves it. Built whole or not at all.

use super::service::Error;
use crate::audit::Trail;
use crate::base::paths::Paths;
use crate::broker::{self, Call};
use crate::certs;
use crate::config::{Config, Mode};
use crate::pipeline::seen_tools::SeenTools;
use crate::pipeline::stages::{
    AnswerTokenCalls, AnyStage, BrokerCredentials, Desk, EnforcePolicy, Guard, GuardDestination, IgnoreHosts,
    InjectCredentials, LimitRate, RecordAudit, ScanRequest, ScanResponse, ScrubSecrets,
};
use crate::pipeline::tokens::Answering;
use crate::pipeline::{Caller, FailMode, Pipeline, Tokens};
use crate::policy::Engine;
use crate::proxy::tls::dial::Dialer;
use crate::proxy::{Live, Outlet, Overrides};
use crate::scanner::{self, Judge};
use crate::vault::reference::{Resolver, World};
use crate::vault::{self, Generation, Providers, Vault};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// Everything that a configuration comes to. `own`: katana's listeners, which are never reachable through itself.
///
/// # Errors
/// The first part that cannot be built.
pub(super) fn live(
    config: &Config,
    paths: &Paths,
    own: Vec<SocketAddr>,
    trail: &Arc<Trail>,
    tokens: &Arc<Tokens>,
    calls: Calls,
) -> Result<(Live, Arc<Judge>), Error> {
    static ERA: AtomicU64 = AtomicU64::new(1);
    let proxy = &config.proxy;
    let guard = Arc::new(Guard::new(proxy.private.clone(), own));
    let judge = judge(&paths.rules)?;
    let (tools, why) = SeenTools::open(&paths.tools());
    if let Some(why) = why {
        tracing::warn!(%why, path = %paths.tools().display(), "the tools that were seen cannot be read: all are new");
    }
    let tools = Arc::new(tools);
    let policy = Arc::new(policy(config)?);
    let judge = judge.with_threshold(threshold(proxy.mode, policy.refuse_at())).with_memory();
    let judge = Arc::new(judge);
    let roots = certs::roots(&proxy.upstream.extra_roots)
        .map_err(|e| Error::new(e.code(), "upstream certificates cannot be verified", &e, e.remedy()))?;
    let dialer = Dialer::new(roots, proxy.upstream.tls_verify).map_err(|e| {
        Error::new(e.code(), "TLS cannot be set up", &e, "report this as a bug, with the message")
    })?;
    let overrides = Overrides::new(proxy.upstream.resolve.clone());
    let timeouts = proxy.limits.timeouts.clone();
    let outlet = Arc::new(Outlet { guard: guard.clone(), dialer, overrides, timeouts });
    let caller: Arc<dyn Caller> = match calls {
        Calls::Made => outlet.clone(),
        Calls::Rehearsed => Arc::new(NoCaller),
    };
    let (mode, whole) = (proxy.mode, proxy.limits.whole_body);
    let desk =
        Desk { tokens: tokens.clone(), caller, trail: trail.clone(), on: proxy.inject_credentials, mode };
    let (request, response) = (proxy.scan_request_bodies.clone(), proxy.scan_response_bodies.clone());
    let stages = [
        AnyStage::IgnoreHosts(IgnoreHosts::new(proxy.ignore_hosts.clone())),
        AnyStage::GuardDestination(GuardDestination::new(guard)),
        AnyStage::LimitRate(LimitRate::new(&proxy.limits)),
        AnyStage::EnforcePolicy(EnforcePolicy::new(policy)),
        AnyStage::AnswerTokenCalls(AnswerTokenCalls::new(desk.clone())),
        AnyStage::ScanRequest(ScanRequest::new(judge.clone(), config.scan_inputs, request, whole)),
        AnyStage::ScrubSecrets(ScrubSecrets::new(proxy.on_secret, mode, whole)),
        AnyStage::InjectCredentials(InjectCredentials::new(proxy.inject_credentials, whole)),
        AnyStage::BrokerCredentials(BrokerCredentials::new(desk, proxy.on_secret, whole)),
        AnyStage::ScanResponse(ScanResponse::new(judge.clone(), tools, config.scan_outputs, response, whole)),
        AnyStage::RecordAudit(RecordAudit::new(trail.clone(), mode)),
    ];
    let fail = if mode == Mode::Permissive { FailMode::Open } else { FailMode::Closed };
    let live = Live {
        era: ERA.fetch_add(1, Relaxed),
        pipeline: Pipeline::new(stages, fail),
        mode,
        limits: proxy.limits.clone(),
        outlet,
    };
    Ok((live, judge))
}

/// The rules, the operator's own among them.
///
/// # Errors
/// Everything wrong with the operator's own.
pub(super) fn judge(dir: &Path) -> Result<Judge, Error> {
    let judge = Judge::load(dir).map_err(|e| {
        let all = format!("\n{e}");
        Error::new(
            e.code(),
            "the rules cannot be used",
            all,
            "mend the files; `katana config check` says when they are right",
        )
    })?;
    judge.warnings().iter().for_each(|what| tracing::warn!(what, "an allowance is over"));
    Ok(judge)
}

/// The score at which what is found is refused rather than noted: the policy's, which `max` may only lower.
pub(super) fn threshold(mode: Mode, policy: Option<u8>) -> Option<u8> {
    match mode {
        Mode::Permissive => None,
        Mode::Strict => Some(policy.unwrap_or(scanner::STRICT)),
        Mode::Max => Some(policy.map_or(scanner::MAX, |score| score.min(scanner::MAX))),
    }
}

/// Are tokens obtained?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Calls {
    /// Yes.
    Made,
    /// No: nothing leaves the machine.
    Rehearsed,
}

/// Calls nobody.
struct NoCaller;

impl Caller for NoCaller {
    fn call(self: Arc<Self>, _call: Call) -> Answering {
        Box::pin(async { Err(broker::Error::Rehearsal) })
    }

    fn rehearses(&self) -> bool {
        true
    }
}

/// The policy that rules: the named file, or the preset.
///
/// # Errors
/// A file that cannot be read, or everything wrong with it.
pub(super) fn policy(config: &Config) -> Result<Engine, Error> {
    let proxy = &config.proxy;
    let file = match &config.policy_path {
        None => None,
        Some(path) => {
            let name = path.display().to_string();
            let text = std::fs::read_to_string(path).map_err(|e| {
                Error::new(
                    "policy_unreadable",
                    format!("{name} cannot be read"),
                    e,
                    "mend policy_path, or remove it",
                )
            })?;
            Some((name, text))
        }
    };
    let named = file.as_ref().map(|(name, text)| (name.as_str(), text.as_str()));
    Engine::build(config.policy_preset, named, &proxy.allowed_domains, &proxy.denied_domains).map_err(
        |problems| {
            let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Error::new("policy_invalid", "the policy cannot be used", all.join("\n"), "mend the policy file")
        },
    )
}

/// The same for the first time: the backends of references are asked before.
///
/// # Errors
/// As [`generation`].
pub(super) fn first_generation(
    config: &Config,
    paths: &Paths,
    references: &Arc<Resolver>,
) -> Result<Generation, Error> {
    let generation = generation(config, paths, 1, references)?;
    if !generation.held.iter().any(|h| h.reference.is_some()) {
        return Ok(generation);
    }
    let (done, asked) = mpsc::channel();
    let asking = references.clone();
    std::thread::spawn(move || {
        asking.refresh();
        let _ = done.send(());
    });
    // whoever answers later is heard later: what needs him is refused until then
    let _ = asked.recv_timeout(FIRST);
    self::generation(config, paths, 1, references)
}

/// How long the first answers of all are waited for, however many are asked: a start waits for a minute at most.
const FIRST: Duration = Duration::from_secs(20);

/// What is known of references: nothing yet.
pub(super) fn references(config: &Config) -> Arc<Resolver> {
    Arc::new(Resolver::new((&config.vault).into(), World::of_process()))
}

/// The vault as the request path reads it. One that is locked or broken is no error here: its generation says so, and
/// the path refuses what it cannot check. Of references, what is known is put in, and nobody is asked.
///
/// # Errors
/// Only what is wrong with the program's own data.
pub(super) fn generation(
    config: &Config,
    paths: &Paths,
    number: u64,
    references: &Resolver,
) -> Result<Generation, Error> {
    let bug = |e: vault::Error| {
        Error::new(
            e.code(),
            "the provider table cannot be used",
            &e,
            "report this as a bug, with the message",
        )
    };
    let providers = Providers::builtin().map_err(bug)?;
    let place = vault::place(paths, &config.vault);
    let held = Vault::open(&place).and_then(|vault| vault.hold()).map(|mut held| {
        references.fill(&mut held);
        held
    });
    match held.and_then(|held| Generation::build(number, held, &providers, &config.credentials)) {
        Ok(generation) => Ok(generation),
        Err(why) => {
            tracing::error!(code = why.code(), %why, "the vault cannot be read");
            Generation::sealed(number, why.code(), &providers, &config.credentials).map_err(bug)
        }
    }
}
