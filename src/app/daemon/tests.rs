//! The daemon is this test program, run again for one test that is the child.

use super::*;
use crate::app::service::fake::{self, FakeStart};
use std::sync::Arc;

const DIR: &str = "KATANA_TEST_DAEMON_DIR";
const LISTEN: &str = "KATANA_TEST_DAEMON_LISTEN";

fn spawn(dir: &Path, listen: &str) -> Spawn {
    let words = ["--exact", "app::daemon::tests::the_child", "--nocapture", "--include-ignored"];
    Spawn {
        program: std::env::current_exe().unwrap(),
        arguments: words.map(Into::into).into(),
        variables: vec![(DIR.into(), dir.into()), (LISTEN.into(), listen.into())],
        passphrase: None,
    }
}

#[test]
#[ignore = "the daemon of the other tests, not a test"]
fn the_child() {
    let (Some(dir), Some(listen)) = (std::env::var_os(DIR), std::env::var(LISTEN).ok()) else { return };
    if listen == "die" {
        std::process::exit(9);
    }
    let paths = fake::paths(Path::new(&dir));
    detach();
    let log = paths.log();
    let served = serve::serve(&FakeStart, Arc::new(fake::config(&listen)), &paths, |s| report_ready(s, &log));
    if let Err(e) = served {
        report_failed(&e);
        std::process::exit(3);
    }
}

#[test]
fn start_returns_when_it_listens_and_stop_when_it_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let paths = fake::paths(dir.path());
    assert_eq!(status(&paths).unwrap_err().code(), "not_running");
    assert_eq!(stop(&paths, Duration::from_secs(1)).unwrap(), Stopped::Idle);
    let up = start(&spawn(dir.path(), "127.0.0.1:0")).unwrap();
    let pid = i32::try_from(up["pid"].as_i64().unwrap()).unwrap();
    assert_ne!(pid, rustix::process::getpid().as_raw_nonzero().get());
    assert_eq!(status(&paths).unwrap()["pid"], pid);
    assert_eq!(reload(&paths).unwrap()["reloads"], 1);
    let leader = rustix::process::getsid(rustix::process::Pid::from_raw(pid)).unwrap();
    assert_eq!(leader.as_raw_nonzero().get(), pid, "a session of its own");
    let again = start(&spawn(dir.path(), "127.0.0.1:0")).unwrap_err();
    assert_eq!(again.code(), "already_running");
    assert!(again.why.contains(&pid.to_string()), "{again}");
    assert_eq!(stop(&paths, Duration::from_secs(30)).unwrap(), Stopped::Ended { pid });
    assert!(pid::start_time(pid).is_none() && !paths.pid.exists() && !paths.control().exists());
    assert_eq!(stop(&paths, Duration::from_secs(1)).unwrap(), Stopped::Idle);
}

#[test]
fn a_child_that_cannot_listen_or_dies_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let busy = start(&spawn(dir.path(), &taken.local_addr().unwrap().to_string())).unwrap_err();
    assert_eq!(busy.code(), "listen");
    assert!(busy.what.contains("cannot listen") && !busy.next.is_empty());
    let dead = start(&spawn(dir.path(), "die")).unwrap_err();
    assert_eq!(dead.code(), "start_failed");
    assert!(dead.why.contains("exit status: 9"), "{dead}");
}

#[test]
fn without_its_socket_it_is_stopped_by_signal_and_after_a_kill_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let paths = fake::paths(dir.path());
    start(&spawn(dir.path(), "127.0.0.1:0")).unwrap();
    std::fs::remove_file(paths.control()).unwrap();
    assert_eq!(status(&paths).unwrap_err().code(), "not_answering");
    assert!(matches!(stop(&paths, Duration::from_secs(30)).unwrap(), Stopped::Ended { .. }));

    start(&spawn(dir.path(), "127.0.0.1:0")).unwrap();
    let it = pid::read(&paths.pid).unwrap().unwrap();
    let pid = rustix::process::Pid::from_raw(it.pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    while it.alive() {
        thread::sleep(Duration::from_millis(5));
    }
    assert!(paths.pid.exists() && paths.control().exists(), "a kill leaves its files");
    let up = start(&spawn(dir.path(), "127.0.0.1:0")).unwrap();
    assert_ne!(up["pid"], it.pid);
    assert!(matches!(stop(&paths, Duration::from_secs(30)).unwrap(), Stopped::Ended { .. }));
}

#[test]
fn systemd_is_told_and_signals_are_heard() {
    let dir = tempfile::tempdir().unwrap();
    let paths = fake::paths(dir.path());
    let place = dir.path().join("notify.sock");
    let socket = std::os::unix::net::UnixDatagram::bind(&place).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut spawn = spawn(dir.path(), "127.0.0.1:0");
    spawn.variables.push(("NOTIFY_SOCKET".into(), place.into()));
    spawn.variables.push(("WATCHDOG_USEC".into(), "20000".into()));
    let wait_for = |word: &str| {
        let mut buffer = [0; 4096];
        loop {
            let n = socket.recv(&mut buffer).unwrap_or_else(|e| panic!("{word}: {e}"));
            let said = String::from_utf8_lossy(&buffer[..n]).into_owned();
            if said.lines().any(|l| l == word) {
                return said;
            }
        }
    };
    start(&spawn).unwrap();
    wait_for("READY=1");
    wait_for("WATCHDOG=1");
    wait_for("WATCHDOG=1");
    let it = pid::read(&paths.pid).unwrap().unwrap();
    let pid = rustix::process::Pid::from_raw(it.pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
    assert!(wait_for("RELOADING=1").contains("MONOTONIC_USEC="), "type notify-reload needs the time");
    wait_for("READY=1");
    assert!(it.terminate());
    wait_for("STOPPING=1");
    while it.alive() {
        thread::sleep(Duration::from_millis(5));
    }
    assert!(!paths.pid.exists());
    let log = std::fs::metadata(paths.log()).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&log) & 0o777, 0o600);
}
