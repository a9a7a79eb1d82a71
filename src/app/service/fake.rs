//! A service that only listens: for tests of what is around the proxy.

use super::{Error, Issue, Kept, Listening, Service, Start};
use crate::base::paths::Paths;
use crate::config::{self, Config};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

/// Accepts and drops connections; `busy` keeps `drain` waiting.
pub(crate) struct Fake {
    listener: TcpListener,
    pub(crate) busy: AtomicBool,
    pub(crate) drained: AtomicUsize,
    pub(crate) reloads: AtomicUsize,
    pub(crate) bad_reload: AtomicBool,
}

impl Fake {
    pub(crate) fn new(at: std::net::SocketAddr) -> std::io::Result<Arc<Self>> {
        let listener = TcpListener::bind(at)?;
        let accepting = listener.try_clone()?;
        thread::spawn(move || while accepting.accept().is_ok() {});
        Ok(Arc::new(Self {
            listener,
            busy: AtomicBool::new(false),
            drained: AtomicUsize::new(0),
            reloads: AtomicUsize::new(0),
            bad_reload: AtomicBool::new(false),
        }))
    }

    pub(crate) fn local_any() -> Arc<Self> {
        Self::new(([127, 0, 0, 1], 0).into()).unwrap()
    }
}

impl Service for Fake {
    fn local(&self) -> Listening {
        Listening::Tcp(self.listener.local_addr().unwrap())
    }

    fn status(&self) -> Value {
        json!({
            "config_digest": "0123456789abcdef", "vault": "open", "audit_head": "1a2b3c4d5e6f",
            "ca": { "fingerprint": "aa:bb", "days_left": 3650, "path": "/ca/ca.pem" },
            "counters": { "requests": 12, "injected": 3, "scrubbed": 1, "denied": 0 },
        })
    }

    fn reload(&self) -> Result<Value, String> {
        if self.bad_reload.load(SeqCst) {
            return Err("proxy.mode: no such mode".into());
        }
        Ok(json!({ "reloads": self.reloads.fetch_add(1, SeqCst) + 1 }))
    }

    fn drain(&self, patience: Duration) -> bool {
        self.drained.fetch_add(1, SeqCst);
        let until = Instant::now() + patience;
        while self.busy.load(SeqCst) {
            if Instant::now() >= until {
                return false;
            }
            thread::sleep(Duration::from_millis(5));
        }
        true
    }
}

/// Starts [`Fake`]s; a second one on the same port fails as a real one would.
pub(crate) struct FakeStart;

impl Start for FakeStart {
    fn start(&self, config: Arc<Config>, _paths: &Paths) -> Result<Arc<dyn Service>, Error> {
        let config::Listen::Tcp(at) = config.proxy.listen else { unreachable!("tests listen on TCP") };
        match Fake::new(at) {
            Ok(fake) => Ok(fake),
            Err(why) => {
                Err(Error::new("listen", format!("cannot listen on {at}"), why, "choose another port"))
            }
        }
    }

    fn issue(&self, _config: &Config, _paths: &Paths) -> Result<Issue, Error> {
        Ok(Issue {
            ca_pem: "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n".into(),
            bundle_pem: "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n".into(),
            ca_fingerprint: "aa:bb".into(),
            secrets: vec![Kept {
                name: "OPENAI_API_KEY".into(),
                value: "sk-real-value-0123456789".into(),
                placeholder: "sk-katana-placeholder".into(),
            }],
        })
    }
}

/// Places under one directory.
pub(crate) fn paths(dir: &Path) -> Paths {
    Paths {
        config: dir.join("config.yaml"),
        state: dir.join("state"),
        rules: dir.join("state"),
        runtime: dir.join("run"),
        pid: dir.join("hermes_katana_proxy.pid"),
        homeless: false,
    }
}

/// Defaults, listening at `listen`.
pub(crate) fn config(listen: &str) -> Config {
    let mut config = Config { digest: "0123456789abcdef".into(), ..Config::default() };
    config.proxy.listen = config::Listen::Tcp(listen.parse().unwrap());
    config
}
