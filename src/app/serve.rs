//! The life of one proxy process: claim, start, announce, hear signals and the control socket, drain, end.
//! The same for a daemon, for systemd and for a terminal; who is told that it is ready differs.

use super::control::{self, Answer, Server};
use super::pid::{self, Claim, Identity};
use super::service::{Error, Listening, Service, Start};
use super::signals::{self, Asked};
use crate::base::paths::Paths;
use crate::config::Config;
use crate::telemetry::log::{self, Style};
use parking_lot::Mutex;
use sd_notify::NotifyState;
use serde_json::{Value, json};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};
use tracing::{error, info, warn};

/// How long exchanges may go on after SIGTERM.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How long closing what is left may take after patience has run out.
const GRACE: Duration = Duration::from_secs(2);

/// Something the life of a proxy turns on.
#[derive(Debug)]
enum Event {
    Signal(Asked),
    Stop(Duration),
}

impl From<Asked> for Event {
    fn from(asked: Asked) -> Self {
        Self::Signal(asked)
    }
}

/// Runs a proxy until it is asked to stop. `ready` is called once, with the status, when it accepts connections.
/// `true`: everything under way ended in time.
///
/// # Errors
/// It never came to accept connections, or `ready` failed; then nothing of it is left.
pub fn serve(
    start: &dyn Start,
    config: Arc<Config>,
    paths: &Paths,
    ready: impl FnOnce(&Value) -> Result<(), Error>,
) -> Result<bool, Error> {
    log::start(Style { level: config.log_level, json: config.log_json });
    let (send, events) = mpsc::channel();
    let ears =
        signals::listen::<Event>(send.clone()).map_err(|e| failed("signals", "cannot hear signals", e))?;
    let mut claim = Claim::take(paths)?;
    let service = start.start(config, paths)?;
    let me = Identity::of_this(service.local().to_string(), paths.control());
    let alive = Arc::new(Alive { me, since: Instant::now(), service, turn: Mutex::new(()) });
    let announced = announce(&alive, &mut claim, send, ready);
    let server = match announced {
        Ok(server) => server,
        Err(e) => {
            alive.service.drain(Duration::ZERO);
            return Err(e);
        }
    };
    let patience = attend(&alive, &events);
    notify(&[NotifyState::Stopping]);
    info!("stopping");
    let clean = drain(&alive.service, &events, patience);
    drop(server);
    drop(claim);
    drop(ears);
    info!(clean, "stopped");
    Ok(clean)
}

fn announce(
    alive: &Arc<Alive>,
    claim: &mut Claim,
    send: Sender<Event>,
    ready: impl FnOnce(&Value) -> Result<(), Error>,
) -> Result<Server, Error> {
    accepts(&alive.service.local())
        .map_err(|e| failed("listen", "the proxy does not accept connections", e))?;
    let server = Server::bind(&alive.me.control, answers(Arc::clone(alive), send))?;
    claim.publish(&alive.me)?;
    let status = alive.status();
    ready(&status)?;
    info!(listen = %alive.me.listen, pid = alive.me.pid, "ready");
    notify(&[NotifyState::Ready, NotifyState::Status(&format!("listening on {}", alive.me.listen))]);
    Ok(server)
}

/// Really connects, as a client would.
///
/// # Errors
/// The operating system's.
pub fn accepts(at: &Listening) -> std::io::Result<()> {
    match at.dialled() {
        Listening::Tcp(at) => TcpStream::connect_timeout(&at, Duration::from_secs(5)).map(drop),
        Listening::Unix(path) => UnixStream::connect(path).map(drop),
    }
}

/// A proxy that runs, as the control socket shows it.
struct Alive {
    me: Identity,
    since: Instant,
    service: Arc<dyn Service>,
    /// One reload at a time.
    turn: Mutex<()>,
}

impl Alive {
    fn status(&self) -> Value {
        let mut all = json!({
            "running": true,
            "pid": self.me.pid,
            "start_time": self.me.start_time,
            "listen": self.me.listen,
            "url": self.service.local().url(),
            "control": self.me.control,
            "uptime_seconds": self.since.elapsed().as_secs(),
            "version": env!("CARGO_PKG_VERSION"),
        });
        if let (Value::Object(all), Value::Object(inner)) = (&mut all, self.service.status()) {
            all.extend(inner);
        }
        all
    }

    fn reload(&self) -> Result<Value, String> {
        let _turn = self.turn.lock();
        match NotifyState::monotonic_usec_now() {
            Ok(now) => notify(&[NotifyState::Reloading, now]),
            Err(_) => notify(&[NotifyState::Reloading]),
        }
        let done = self.service.reload();
        match &done {
            Ok(_) => info!("reloaded"),
            Err(why) => error!(%why, "not reloaded: the old configuration stays"),
        }
        notify(&[NotifyState::Ready]);
        done
    }
}

fn answers(alive: Arc<Alive>, send: Sender<Event>) -> Arc<Answer> {
    let send = Mutex::new(send);
    Arc::new(move |op, question| match op {
        "ping" => Ok(json!({ "pid": alive.me.pid })),
        "status" => Ok(json!({ "status": alive.status() })),
        "reload" => alive.reload().map(|v| json!({ "reload": v })),
        "stop" => {
            let patience = question["timeout_ms"].as_u64().map_or(PATIENCE, Duration::from_millis);
            send.lock().send(Event::Stop(patience)).map_err(|_| "it is ending already".to_owned())?;
            serde_json::to_value(&alive.me).map(|me| json!({ "identity": me })).map_err(|e| e.to_string())
        }
        _ => Err(format!("no such operation: {op}")),
    })
}

/// Until asked to stop. Feeds systemd's watchdog, if there is one, as long as the service answers.
fn attend(alive: &Alive, events: &Receiver<Event>) -> Duration {
    let beat = sd_notify::watchdog_enabled().map(|d| d / 2);
    loop {
        if beat.is_some() {
            let _ = alive.service.status(); // does not return while the service hangs
            notify(&[NotifyState::Watchdog]);
        }
        match events.recv_timeout(beat.unwrap_or(Duration::from_secs(3600))) {
            Ok(Event::Signal(Asked::Reload)) => {
                let _ = alive.reload(); // said in the log
            }
            Ok(Event::Signal(Asked::Stop)) | Err(RecvTimeoutError::Disconnected) => return PATIENCE,
            Ok(Event::Stop(patience)) => return patience,
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// Waits for what is under way; a second request to stop, or the end of patience, closes at once.
fn drain(service: &Arc<dyn Service>, events: &Receiver<Event>, patience: Duration) -> bool {
    let (send, done) = mpsc::channel();
    let close = |patience: Duration| {
        let (service, send) = (Arc::clone(service), send.clone());
        let spawned =
            thread::Builder::new().name("drain".into()).spawn(move || send.send(service.drain(patience)));
        if let Err(e) = spawned {
            warn!(%e, "cannot drain");
        }
    };
    close(patience);
    let until = Instant::now() + patience;
    while Instant::now() < until {
        if let Ok(clean) = done.recv_timeout(Duration::from_millis(10)) {
            return clean;
        }
        match events.try_recv() {
            Ok(Event::Signal(Asked::Stop) | Event::Stop(_)) => {
                warn!("asked again: closing what is under way");
                break;
            }
            _ => continue,
        }
    }
    close(Duration::ZERO);
    let _ = done.recv_timeout(GRACE);
    false
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(e) = sd_notify::notify(state) {
        warn!(%e, "systemd was not told");
    }
}

fn failed(code: &'static str, what: &str, why: impl std::fmt::Display) -> Error {
    Error::new(code, what, why, "see the log; run `katana proxy start --foreground` to watch it start")
}

impl From<pid::Error> for Error {
    fn from(e: pid::Error) -> Self {
        let what = "the proxy did not start";
        match &e {
            pid::Error::Running(_) => {
                Self::new(e.code(), what, e, "use it, or `katana proxy stop` or `katana proxy restart`")
            }
            pid::Error::Busy(_) => Self::new(e.code(), what, e, "try again in a moment"),
            pid::Error::Planted { path, .. } => {
                let next = format!("look who made {}, remove it, or set TMPDIR elsewhere", path.display());
                Self::new(e.code(), what, &e, next).refused()
            }
            pid::Error::Io { .. } => {
                Self::new(e.code(), what, e, "make the directory writable for this user")
            }
        }
    }
}

impl From<control::Error> for Error {
    fn from(e: control::Error) -> Self {
        let what = "the control socket is of no use";
        let next = match &e {
            control::Error::Idle(_) => "start it: `katana proxy start`",
            control::Error::HungUp(_) => "it is ending: try again in a moment",
            control::Error::Running(_) => "use it, or `katana proxy stop` first",
            control::Error::Planted { .. } => {
                "look who made it and remove it, or set XDG_RUNTIME_DIR elsewhere"
            }
            control::Error::Garbled(..) => "stop what serves that socket; it may be another version",
            control::Error::Refused(_) => "mend what it names, then try again",
            control::Error::Io { .. } => {
                "check the directory of the socket, and that its path is under 108 bytes"
            }
        };
        let made = Self::new(e.code(), what, &e, next);
        if matches!(e, control::Error::Planted { .. }) { made.refused() } else { made }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::service::fake::{self, Fake};
    use std::sync::atomic::Ordering::SeqCst;

    /// Hands out one service that the test holds too.
    struct Given(Arc<Fake>);

    impl Start for Given {
        fn start(&self, _: Arc<Config>, _: &Paths) -> Result<Arc<dyn Service>, Error> {
            Ok(self.0.clone())
        }
        fn issue(&self, _: &Config, _: &Paths) -> Result<crate::app::service::Issue, Error> {
            unreachable!("serving hands out nothing")
        }
    }

    struct Running {
        paths: Paths,
        fake: Arc<Fake>,
        life: thread::JoinHandle<Result<bool, Error>>,
        _dir: tempfile::TempDir,
    }

    fn running() -> Running {
        let dir = tempfile::tempdir().unwrap();
        let (paths, fake) = (fake::paths(dir.path()), Fake::local_any());
        let (ready, is_ready) = mpsc::channel();
        let (given, places) = (Given(fake.clone()), paths.clone());
        let life = thread::spawn(move || {
            serve(&given, Arc::new(fake::config("127.0.0.1:0")), &places, |status| {
                ready.send(status.clone()).unwrap();
                Ok(())
            })
        });
        let status = is_ready.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(status["listen"], fake.local().to_string());
        Running { paths, fake, life, _dir: dir }
    }

    fn ask(r: &Running, op: &str, fields: Value) -> Result<Value, control::Error> {
        control::ask(&r.paths.control(), op, fields)
    }

    #[test]
    fn it_answers_reloads_and_stops() {
        let r = running();
        let status = &ask(&r, "status", json!({})).unwrap()["status"];
        assert_eq!((&status["running"], &status["counters"]["injected"]), (&json!(true), &json!(3)));
        assert_eq!(pid::read(&r.paths.pid).unwrap().unwrap().listen, r.fake.local().to_string());
        assert_eq!(ask(&r, "reload", json!({})).unwrap()["reload"]["reloads"], 1);
        r.fake.bad_reload.store(true, SeqCst);
        assert!(ask(&r, "reload", json!({})).unwrap_err().to_string().contains("no such mode"));
        let twice = serve(&fake::FakeStart, Arc::new(fake::config("127.0.0.1:0")), &r.paths, |_| Ok(()));
        assert_eq!(twice.unwrap_err().code(), "already_running");
        ask(&r, "stop", json!({ "timeout_ms": 20_000 })).unwrap();
        assert!(r.life.join().unwrap().unwrap(), "nothing was under way");
        assert!(!r.paths.pid.exists() && !r.paths.control().exists());
    }

    #[test]
    fn it_waits_for_what_is_under_way_and_a_second_stop_does_not() {
        let r = running();
        r.fake.busy.store(true, SeqCst);
        ask(&r, "stop", json!({ "timeout_ms": 600_000 })).unwrap();
        while r.fake.drained.load(SeqCst) == 0 {
            thread::sleep(Duration::from_millis(5));
        }
        assert!(ask(&r, "ping", json!({})).is_ok(), "it still answers while it drains");
        ask(&r, "stop", json!({ "timeout_ms": 0 })).unwrap();
        assert!(!r.life.join().unwrap().unwrap());
        assert_eq!(r.fake.drained.load(SeqCst), 2, "closed at once");
    }

    #[test]
    fn a_start_that_fails_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let paths = fake::paths(dir.path());
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let config = Arc::new(fake::config(&taken.local_addr().unwrap().to_string()));
        assert_eq!(serve(&fake::FakeStart, config, &paths, |_| Ok(())).unwrap_err().code(), "listen");
        let no = |_: &Value| Err(failed("log", "no log", "read-only"));
        let config = Arc::new(fake::config("127.0.0.1:0"));
        assert_eq!(serve(&fake::FakeStart, config, &paths, no).unwrap_err().code(), "log");
        assert!(!paths.pid.exists() && !paths.control().exists());
    }
}
