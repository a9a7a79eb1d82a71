//! `katana proxy …` as a person uses it: what it prints, what it exits with, what a kill or an attacker leaves behind.

use crate::support::katana::{Home, documents};
use crate::support::{Ask, Client, Proto, Reply, block_on, katana, origin, until};
use rustix::process::{Pid, Signal};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::process::{Output, Stdio};

/// Stops the daemon of a home when the test is over.
pub(super) struct Stops<'a>(pub(super) &'a Home);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        let _ = self.0.katana(&["proxy", "stop", "--timeout", "0s"]);
    }
}

pub(crate) fn said(out: &Output) -> String {
    String::from_utf8_lossy(&[&out.stdout[..], &out.stderr].concat()).into_owned()
}

fn status(home: &Home) -> Value {
    let out = home.katana(&["proxy", "status", "--json"]);
    assert_eq!(out.status.code(), Some(0), "{}", said(&out));
    documents(&out.stdout).remove(0)
}

fn pid(status: &Value) -> Pid {
    Pid::from_raw(i32::try_from(status["pid"].as_i64().unwrap()).unwrap()).unwrap()
}

fn gone(pid: Pid) {
    until("the end of the process", || {
        let stat =
            std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
        (stat.is_empty() || stat.contains(") Z ")).then_some(())
    });
}

#[test]
fn a_walk_from_start_to_stop() {
    let home = katana().home();
    let _stops = Stops(&home);
    let idle = home.katana(&["proxy", "status"]);
    assert!(idle.status.code() == Some(3) && said(&idle).contains("katana proxy start"), "{}", said(&idle));
    let up = home.katana(&["proxy", "start"]);
    let status = status(&home);
    let at = status["listen"].as_str().unwrap();
    for word in [at, &status["pid"].to_string(), "katana run --", "katana.log", "HTTPS_PROXY="] {
        assert!(said(&up).contains(word), "no {word}:\n{}", said(&up));
    }
    std::net::TcpStream::connect(at).expect("it accepts connections");
    let told = said(&home.katana(&["proxy", "status"]));
    for word in ["uptime", "version", "vault", "empty", "CA", "days left", "audit head", "0 requests"] {
        assert!(told.contains(word), "no {word}:\n{told}");
    }
    let again = home.katana(&["proxy", "start"]);
    assert!(again.status.code() == Some(3) && said(&again).contains("proxy stop"), "{}", said(&again));
    let reloaded = home.katana(&["proxy", "reload"]);
    assert!(reloaded.status.success() && said(&reloaded).contains("reloaded"));
    home.configure_text("proxy: {mode: soft}");
    let refused = home.katana(&["proxy", "reload"]);
    assert!(refused.status.code() == Some(1) && said(&refused).contains(":1:"), "{}", said(&refused));
    let restart = home.katana(&["proxy", "restart"]);
    assert!(
        restart.status.code() == Some(3) && self::status(&home)["pid"] == status["pid"],
        "a bad file stops nothing"
    );
    home.configure(&home.settings);
    let down = home.katana(&["proxy", "stop"]);
    assert!(down.status.success() && said(&down).contains("stopped"), "{}", said(&down));
    gone(pid(&status));
    let idle = home.katana(&["proxy", "stop"]);
    assert!(idle.status.success() && said(&idle).contains("no proxy was running"));
}

#[test]
fn a_restart_listens_where_the_start_was_told_to() {
    let home = katana().home();
    let _stops = Stops(&home);
    assert!(home.katana(&["proxy", "start", "--listen", "127.0.0.1:0"]).status.success());
    let before = status(&home);
    let out = home.katana(&["proxy", "restart"]);
    assert!(out.status.success(), "{}", said(&out));
    let after = status(&home);
    assert_eq!(after["listen"], before["listen"]);
    assert_ne!(after["pid"], before["pid"]);
    assert!(home.katana(&["proxy", "restart"]).status.success());
    assert_eq!(status(&home)["listen"], before["listen"], "and a second time");
}

#[test]
fn what_a_kill_leaves_behind_is_replaced() {
    let home = katana().home();
    let _stops = Stops(&home);
    for _ in 0..3 {
        let out = home.katana(&["proxy", "start"]);
        assert!(out.status.success(), "{}", said(&out));
        let pid = pid(&status(&home));
        rustix::process::kill_process(pid, Signal::KILL).unwrap();
        gone(pid);
        let left = home.dir.path().join("tmp/hermes_katana_proxy.pid");
        assert!(left.exists() && home.dir.path().join("run/katana/control.sock").exists());
        assert_eq!(home.katana(&["proxy", "status"]).status.code(), Some(3));
    }
}

#[test]
fn a_planted_pid_file_is_refused_and_not_written_through() {
    let home = katana().home();
    let precious = home.dir.path().join("precious");
    std::fs::write(&precious, "keep").unwrap();
    let file = home.dir.path().join("tmp/hermes_katana_proxy.pid");
    std::os::unix::fs::symlink(&precious, &file).unwrap();
    let out = home.katana(&["proxy", "start"]);
    assert_eq!(out.status.code(), Some(4), "{}", said(&out));
    assert!(said(&out).contains("symlink") && said(&out).contains(file.to_str().unwrap()), "{}", said(&out));
    assert_eq!(std::fs::read_to_string(precious).unwrap(), "keep");
}

#[test]
fn a_ca_key_that_others_can_read_is_refused() {
    let home = katana().home();
    let _stops = Stops(&home);
    assert!(home.katana(&["ca", "show"]).status.success());
    let ca = home.dir.path().join(".config/hermes-katana/ca");
    let files = std::fs::read_dir(&ca).unwrap().flatten().map(|e| e.path());
    let key = files.into_iter().find(|p| p.to_string_lossy().contains("key")).expect("a key file in ca/");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    for args in [&["proxy", "start"][..], &["run", "--", "touch", "ran"]] {
        let out = home.katana(args);
        assert!(matches!(out.status.code(), Some(3 | 4)), "{args:?}: {}", said(&out));
        assert!(said(&out).contains(key.to_str().unwrap()) && said(&out).contains('→'), "{}", said(&out));
    }
    assert!(!home.dir.path().join("ran").exists());
}

#[test]
fn five_errors_of_a_configuration_stop_every_start_and_are_all_said() {
    let home = katana().home();
    home.configure_text(
        "policy_preset: wild\nproxy:\n  listen: here\n  mode: 3\n  unknown_key: 1\n  limits:\n    header_count: many\n",
    );
    for args in [
        &["proxy", "start"][..],
        &["proxy", "start", "--foreground"],
        &["proxy", "restart"],
        &["run", "--", "touch", "ran"],
    ] {
        let out = home.katana(args);
        assert_eq!(out.status.code(), Some(3), "{args:?}: {}", said(&out));
        for place in ["1:16", "3:11", "4:9", "5:3", "7:19"] {
            let place = format!("config.yaml:{place}");
            assert!(said(&out).contains(&place), "{args:?}, no {place}:\n{}", said(&out));
        }
    }
    assert!(!home.dir.path().join("ran").exists());
}

#[test]
fn stop_lets_a_long_answer_end() {
    let origin = origin().start();
    let mut katana = katana().origin(&origin).start();
    origin.on("/long", Reply::pieces(vec!["piece"; 20]).gap(50));
    block_on(async {
        let mut session = Client::new(&katana).open("origin.test", Proto::H1).await;
        let response = session.try_begin(Ask::get("/long")).await.unwrap();
        let stop = katana.home.command(&["proxy", "stop", "--timeout", "30s"]).spawn().unwrap();
        let answer = crate::support::client::read(response).await;
        assert_eq!((answer.body.len(), answer.complete), (100, true));
        let out = tokio::task::spawn_blocking(move || stop.wait_with_output().unwrap()).await.unwrap();
        assert_eq!(out.status.code(), Some(0));
    });
    assert_eq!(katana.wait(), Some(0));
}

#[test]
fn systemd_hears_what_the_foreground_proxy_does() {
    let home = katana().home();
    let place = home.dir.path().join("notify");
    let socket = UnixDatagram::bind(&place).unwrap();
    socket.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
    let hear = |word: &str| {
        let mut buffer = [0; 4096];
        loop {
            let n = socket.recv(&mut buffer).unwrap_or_else(|e| panic!("{word}: {e}"));
            if String::from_utf8_lossy(&buffer[..n]).lines().any(|l| l == word) {
                return;
            }
        }
    };
    let mut command = home.command(&["proxy", "start", "--foreground"]);
    let mut child = command.env("NOTIFY_SOCKET", &place).stderr(Stdio::null()).spawn().unwrap();
    hear("READY=1");
    let pid = Pid::from_child(&child);
    rustix::process::kill_process(pid, Signal::HUP).unwrap();
    hear("RELOADING=1");
    hear("READY=1");
    rustix::process::kill_process(pid, Signal::TERM).unwrap();
    hear("STOPPING=1");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_foreground_proxy_prints_one_document_and_ends_by_stop() {
    let mut katana = katana().config(json!({"log_format": "json"})).start();
    let down = katana.home.katana(&["proxy", "stop", "--json"]);
    assert_eq!(documents(&down.stdout)[0]["stopped"], true, "{}", said(&down));
    assert_eq!(katana.wait(), Some(0));
    let log = katana.log();
    assert!(log.lines().all(|l| serde_json::from_str::<Value>(l).is_ok()), "not all of it is JSON:\n{log}");
}
