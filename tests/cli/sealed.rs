//! A vault that cannot be opened, or not be written: the proxy runs and denies, commands refuse, and nothing is lost.

use super::daemon::{Stops, said};
use crate::support::katana::{Home, documents};
use crate::support::{Ask, Client, Katana, block_on, forms, katana, origin, until};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

const VALUE: &str = "Wm3kP8vQ1nR6tY4sX9bD";

fn state(home: &Home) -> PathBuf {
    home.dir.path().join(".config/hermes-katana")
}

/// Overwrites a file in place, its rights as they are.
fn put(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

/// The status of a small request, or the code it is denied with at the CONNECT. From a thread of its own, so that it
/// can be asked amid another conversation.
fn asked(katana: &Katana) -> Result<u16, String> {
    let ask = || {
        block_on(async {
            let client = Client::new(katana);
            match client.connect("origin.test:443").await {
                Ok(_) => Ok(client.once("origin.test", Ask::get("/x")).await.status.as_u16()),
                Err((status, text)) => {
                    assert_eq!(status, 503, "{text}");
                    let code = text.lines().find_map(|l| l.strip_prefix("x-katana-code: "));
                    Err(code.unwrap_or(&text).trim().to_owned())
                }
            }
        })
    };
    std::thread::scope(|s| s.spawn(ask).join().unwrap())
}

/// Breaks `file` by `bad`: what starts and runs then, and that it is well again with `file`.
fn broken(file: &str, bad: &dyn Fn(&[u8]) -> Vec<u8>, code: &str, run: i32) {
    let origin = origin().start();
    let home = katana().origin(&origin).secret("MY_SECRET", VALUE).home();
    let file = state(&home).join(file);
    let good = std::fs::read(&file).unwrap();
    put(&file, &bad(&good));
    let ran = home.katana(&["run", "--", "touch", "ran"]);
    assert_eq!(ran.status.code(), Some(run), "{}", said(&ran));
    assert!(said(&ran).contains('→') && !home.dir.path().join("ran").exists(), "{}", said(&ran));
    {
        let _stops = Stops(&home);
        let out = home.katana(&["proxy", "start"]);
        assert_eq!(out.status.code(), Some(0), "{}", said(&out));
        let warned = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(warned.contains("warning: the vault cannot be read") && warned.contains('→'), "{warned}");
        let shown = said(&home.katana(&["proxy", "status"]));
        assert!(shown.contains(code) && shown.contains("every request is denied"), "{shown}");
    }
    let katana = home.start();
    assert_eq!(asked(&katana), Err(code.to_owned()));
    assert!(origin.received().is_empty());
    put(&file, &good);
    until("service again", || (asked(&katana) == Ok(404)).then_some(()));
    let leak = Ask::post("/y", format!("it is {VALUE}."));
    assert_eq!(block_on(async { Client::new(&katana).once("origin.test", leak).await.status }), 404);
    assert!(!String::from_utf8_lossy(&origin.take("/y").body).contains(VALUE));
}

#[test]
fn with_the_wrong_key_everything_is_denied_until_the_right_one_is_back() {
    broken("vault.key", &|_| forms::base64(&[9; 32]).into_bytes(), "vault_key_wrong", 3);
}

#[test]
fn with_a_changed_vault_everything_is_denied_until_it_is_restored() {
    let change = |good: &[u8]| {
        let text = String::from_utf8(good.to_vec()).unwrap();
        text.replacen("MY_SECRET", "MY_SECRE7", 1).into_bytes()
    };
    broken("vault.json", &change, "vault_tampered", 4);
}

#[test]
fn a_running_proxy_whose_vault_breaks_denies_on_open_connections_too() {
    let origin = origin().start();
    let katana = katana().origin(&origin).secret("MY_SECRET", VALUE).start();
    let key = state(&katana.home).join("vault.key");
    let good = std::fs::read(&key).unwrap();
    block_on(async {
        let mut session = Client::new(&katana).open("origin.test", crate::support::Proto::H2).await;
        assert_eq!(session.ask(Ask::get("/x")).await.status, 404);
        put(&key, forms::base64(&[9; 32]).as_bytes());
        until("a denial", || asked(&katana).err());
        assert_eq!(session.ask(Ask::get("/x")).await.denied(503)["code"], "vault_key_wrong");
        put(&key, &good);
        until("service again", || (asked(&katana) == Ok(404)).then_some(()));
        assert_eq!(session.ask(Ask::get("/x")).await.status, 404);
    });
}

#[test]
fn on_a_full_disk_the_vault_stays_what_it_was() {
    let home = katana().home();
    let Some(disk) = Small::mount(state(&home), "64k") else { return };
    let set = |name: &str, value: &str| home.katana_in(&["vault", "set", name], value);
    assert!(set("FIRST_KEY", VALUE).status.success());
    disk.fill();
    for (name, value) in [("SECOND_KEY", "Pq5wE2rT8yU1iO4pA7sD".repeat(50)), ("FIRST_KEY", "n".repeat(2000))]
    {
        let out = set(name, &value);
        assert_eq!(out.status.code(), Some(3), "{}", said(&out));
        assert!(said(&out).contains("space"), "{}", said(&out));
    }
    let verified = home.katana(&["vault", "verify", "--json"]);
    assert!(verified.status.success(), "{}", said(&verified));
    assert_eq!(home.katana(&["vault", "get", "FIRST_KEY"]).stdout.trim_ascii_end(), VALUE.as_bytes());
    let listed = documents(&home.katana(&["vault", "list", "--json"]).stdout);
    assert!(!json!(listed).to_string().contains("SECOND_KEY"));
    disk.free();
    assert!(set("SECOND_KEY", "Pq5wE2rT8yU1iO4pA7sD").status.success());
}

#[test]
fn while_the_audit_cannot_be_written_everything_is_denied_and_no_record_is_lost() {
    let origin = origin().start();
    let home = katana().origin(&origin).home();
    let Some(disk) = Small::mount(state(&home).join("audit"), "256k") else { return };
    let katana = home.start();
    assert_eq!(asked(&katana), Ok(404));
    disk.fill();
    let mut denied = 0;
    until("a denial for want of room", || match asked(&katana) {
        Err(code) => {
            assert_eq!(code, "audit_unwritable");
            Some(())
        }
        Ok(status) => {
            denied += usize::from(status == 503);
            None
        }
    });
    for _ in 0..9 {
        assert_eq!(asked(&katana), Err("audit_unwritable".to_owned()));
    }
    let shown = said(&katana.home.katana(&["proxy", "status"]));
    assert!(shown.contains("the audit cannot be written"), "{shown}");
    let arrived = origin.received().len();
    disk.free();
    until("service again", || (asked(&katana) == Ok(404)).then_some(()));
    let refused = |r: &Value| r["code"] == "audit_unwritable";
    // the delay is told of once what waited has been written
    let told = |r: &Value| r.to_string().contains("audit_delayed");
    let all = until("the records of what was refused, and of the delay", || {
        let all = katana.audit();
        let whole = all.iter().filter(|r| refused(r)).count() >= denied + 10 && all.iter().any(told);
        whole.then_some(all)
    });
    assert!(!all.iter().any(|r| r.to_string().contains("audit_gap")), "and nothing was lost");
    let served = all.iter().filter(|r| r["event_type"] == "proxy_request" && r["status"] == 404).count();
    assert!(served >= arrived, "{served} records of {arrived} requests that arrived");
    katana.verify_audit();
}

/// A small file system of its own, if this user may mount one.
pub(crate) struct Small(PathBuf);

impl Small {
    pub(crate) fn mount(at: PathBuf, size: &str) -> Option<Self> {
        std::fs::create_dir_all(&at).unwrap();
        let how = format!("size={size},mode=0700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &how, "tmpfs"]).arg(&at).output();
        if mounted.is_ok_and(|o| o.status.success()) {
            return Some(Self(at));
        }
        eprintln!("skipped: a small file system cannot be mounted here (no root)");
        None
    }

    /// Leaves so many bytes, in whole pages.
    pub(crate) fn fill_but(&self, free: usize) {
        self.fill();
        let filler = std::fs::OpenOptions::new().write(true).open(self.0.join("filler")).unwrap();
        let full = filler.metadata().unwrap().len();
        filler.set_len(full.saturating_sub(u64::try_from(free).unwrap())).unwrap();
    }

    fn fill(&self) {
        let _ = std::fs::write(self.0.join("filler"), vec![0; 1 << 20]);
    }

    pub(crate) fn free(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
