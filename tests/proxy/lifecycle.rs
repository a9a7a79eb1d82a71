//! Beginnings and ends: every exchange gets exactly one truthful record, whoever dies in the middle of it.

use super::inside;
use crate::support::client::read;
use crate::support::katana::{Home, documents};
use crate::support::reply::End;
use crate::support::{Ask, Client, Katana, Proto, Reply, block_on, katana, origin, until};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::process::Command;

#[test]
fn an_upstream_that_dies_mid_body_leaves_one_record() {
    let origin = origin().start();
    let katana = katana().origin(&origin).start();
    origin.on("/dies", Reply::pieces(["half"]).end(End::Silent));
    block_on(async {
        for proto in [Proto::H1, Proto::H2] {
            let mut session = Client::new(&katana).open("origin.test", proto).await;
            let response = session.try_begin(Ask::get("/dies")).await.unwrap();
            origin.cut();
            assert!(!read(response).await.complete);
        }
    });
    for record in katana.records("/dies", 2) {
        assert_eq!(record["outcome"], "failed", "says that it broke off: {record}");
    }
    katana.verify_audit();
}

#[test]
fn a_client_that_dies_mid_body_leaves_one_record() {
    let origin = origin().start();
    let katana = katana().origin(&origin).start();
    origin.on("/drip", Reply::pieces(vec!["drop"; 10_000]).gap(5));
    block_on(async {
        for proto in [Proto::H1, Proto::H2] {
            // while it receives
            let mut session = Client::new(&katana).open("origin.test", proto).await;
            drop(session.try_begin(Ask::get("/drip")).await.unwrap());
        }
    });
    // while it sends
    let mut raw = inside(&katana);
    raw.say("POST /sends HTTP/1.1\r\nHost: origin.test\r\nContent-Length: 1000\r\n\r\nhalf");
    std::thread::sleep(std::time::Duration::from_millis(100));
    raw.reset();
    assert_eq!(katana.records("/drip", 2).len(), 2);
    assert_eq!(katana.records("/sends", 1).len(), 1);
    assert!(origin.try_take("/sends").is_none(), "half a request is no request");
    katana.verify_audit();
}

#[test]
fn sigterm_under_load_drains_and_loses_no_record() {
    let origin = origin().start();
    let mut katana = katana().origin(&origin).start();
    let answered = block_on(async {
        let mut tasks = Vec::new();
        for lane in 0..16 {
            let client = Client::new(&katana);
            let proto = if lane % 2 == 0 { Proto::H1 } else { Proto::H2 };
            tasks.push(tokio::spawn(async move {
                let mut session = client.open("origin.test", proto).await;
                let mut done = 0;
                while session.try_ask(Ask::post("/load", "x".repeat(2000))).await.is_some_and(|a| a.complete)
                {
                    done += 1;
                }
                done
            }));
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        katana.signal(Signal::TERM);
        let mut answered = 0;
        for task in tasks {
            answered += task.await.unwrap();
        }
        answered
    });
    assert_eq!(katana.wait(), Some(0), "{}", katana.log());
    let load = |r: &&Value| r["event_type"] == "proxy_request" && r["path"] == "/load";
    let audit = katana.audit();
    let records: Vec<_> = audit.iter().filter(load).collect();
    let ids: std::collections::BTreeSet<_> = records.iter().map(|r| r["exchange"].to_string()).collect();
    assert_eq!(ids.len(), records.len(), "one record each");
    assert!(records.len() >= answered && answered > 0, "{} records of {answered} answers", records.len());
    let told = records.iter().filter(|r| r["status"] == 404).count();
    assert!(told >= answered, "{told} records of {answered} answers");
    katana.verify_audit();
}

#[test]
fn what_is_under_way_is_finished_before_the_end() {
    let origin = origin().start();
    let mut katana = katana().origin(&origin).start();
    origin.on("/long", Reply::pieces(vec!["piece"; 20]).gap(25));
    block_on(async {
        let mut session = Client::new(&katana).open("origin.test", Proto::H1).await;
        let response = session.try_begin(Ask::get("/long")).await.unwrap();
        katana.signal(Signal::TERM);
        let answer = read(response).await;
        assert_eq!((answer.body.len(), answer.complete), (100, true));
    });
    assert_eq!(katana.wait(), Some(0));
    assert_eq!(katana.records("/long", 1)[0]["bytes_out"], 100);
}

#[test]
fn what_takes_too_long_to_drain_is_cut_and_recorded() {
    let origin = origin().start();
    let drain = json!({"proxy": {"limits": {"timeouts": {"drain": "300ms"}}}});
    let mut katana = katana().origin(&origin).config(drain).start();
    origin.on("/endless", Reply::pieces(["piece"]).end(End::Silent));
    block_on(async {
        let mut session = Client::new(&katana).open("origin.test", Proto::H1).await;
        let response = session.try_begin(Ask::get("/endless")).await.unwrap();
        katana.signal(Signal::TERM);
        assert!(!read(response).await.complete);
    });
    assert!(katana.wait().is_some());
    assert_eq!(katana.records("/endless", 1).len(), 1);
    katana.verify_audit();
}

/// Leaves no daemon behind, however the test ends.
struct Stops<'a>(&'a Home);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        let _ = self.0.command(&["proxy", "stop"]).output();
    }
}

#[test]
fn start_stop_and_status_from_another_process() {
    let home = katana().home();
    let _stops = Stops(&home);
    assert_eq!(home.katana(&["proxy", "status", "--json"]).status.code(), Some(3), "not running");
    assert_eq!(home.katana(&["proxy", "stop"]).status.code(), Some(0), "stop when idle");
    let started = home.katana(&["proxy", "start", "--json"]);
    assert_eq!(started.status.code(), Some(0), "{}", String::from_utf8_lossy(&started.stderr));
    let status = home.katana(&["proxy", "status", "--json"]);
    assert_eq!(status.status.code(), Some(0));
    let status = &documents(&status.stdout)[0];
    for field in ["pid", "listen", "version"] {
        assert!(!status[field].is_null(), "no {field} in {status}");
    }
    assert_ne!(home.katana(&["proxy", "start"]).status.code(), Some(0), "there is one already");
    assert_eq!(home.katana(&["proxy", "stop"]).status.code(), Some(0));
    assert_eq!(home.katana(&["proxy", "status"]).status.code(), Some(3));
}

#[test]
fn a_busy_port_is_said_and_exits_3() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let home = katana().config(json!({"proxy": {"listen": addr}})).home();
    let out = home.katana(&["proxy", "start"]);
    assert_eq!(out.status.code(), Some(3), "{out:?}");
    assert!(String::from_utf8_lossy(&out.stderr).contains(&addr), "{out:?}");
    let Err((code, said)) = home.try_start() else { panic!("it started") };
    assert_eq!((code, said.contains(&addr)), (Some(3), true), "{said}");
}

#[test]
fn an_unreadable_ca_key_is_said_and_replaced_by_nothing() {
    let mut first = katana().start();
    first.stop();
    let ca = first.home.dir.path().join(".config/hermes-katana/ca");
    let key = std::fs::read_dir(&ca).unwrap().flatten().map(|e| e.path());
    let key = key.into_iter().find(|p| p.to_string_lossy().contains("key")).expect("a key file in ca/");
    std::fs::write(&key, "not a key").unwrap();
    let out = first.home.katana(&["proxy", "start"]);
    assert!(matches!(out.status.code(), Some(3 | 4)), "{out:?}");
    assert_eq!(std::fs::read_to_string(&key).unwrap(), "not a key");
}

/// A small file system of its own, if this user may mount one.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(at: std::path::PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&at).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=256k,mode=0700", "tmpfs"])
            .arg(&at)
            .output();
        mounted.is_ok_and(|o| o.status.success()).then_some(Self(at))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// The status of one request, or what refused its CONNECT.
fn ask_once(katana: &Katana, path: &str) -> Result<u16, String> {
    block_on(async {
        let client = Client::new(katana);
        let mut session = client.try_open("origin.test", Proto::H1).await.map_err(|(_, text)| text)?;
        Ok(session.ask(Ask::get(path)).await.status.as_u16())
    })
}

#[test]
fn a_full_disk_denies_and_goes_on_once_there_is_room() {
    let origin = origin().start();
    let home = katana().origin(&origin).config(json!({"audit": {"durability": "sync"}})).home();
    let Some(disk) = SmallDisk::mount(home.dir.path().join(".config/hermes-katana/audit")) else {
        eprintln!("skipped: a small file system cannot be mounted here (no root)");
        return;
    };
    let katana: Katana = home.start();
    block_on(async {
        assert_eq!(Client::new(&katana).once("origin.test", Ask::get("/before")).await.status, 404);
    });
    let filler = disk.0.join("filler");
    let _ = std::fs::write(&filler, vec![0; 1 << 20]);
    let denied = until("a denial for want of room", || match ask_once(&katana, "/full") {
        Ok(404) => None,
        Ok(status) => Some(format!("{status}")),
        Err(text) => Some(text),
    });
    assert!(denied == "503" || denied.contains("audit_unwritable"), "{denied}");
    std::fs::remove_file(&filler).unwrap();
    until("service again", || (ask_once(&katana, "/after") == Ok(404)).then_some(()));
    katana.verify_audit();
    drop(katana);
    drop(disk);
}
