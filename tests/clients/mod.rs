//! Real clients, as they are, under `katana run --`: their names resolve nowhere, so what arrives has gone through katana.
//! A client that is not installed is skipped, and says so.

mod command_line;
mod git;
mod node;
mod packages;
pub(crate) mod python;

use crate::support::katana::{Home, documents};
use crate::support::random::Random;
use crate::support::{Origin, Reply, download_megabytes, katana, origin};
use std::cell::Cell;
use std::path::PathBuf;
use std::process::{Command, Output};

/// An origin with something for every client, and a katana home that reaches it.
pub(crate) struct Field {
    pub(crate) origin: Origin,
    pub(crate) home: Home,
    /// The large download, once.
    pub(crate) down: usize,
    /// Requests already taken from the origin's record.
    taken: Cell<usize>,
}

/// The size of an upload.
pub(crate) const UP: usize = 5 << 20;

/// Sets the field up.
pub(crate) fn field() -> Field {
    let origin = origin().start();
    let down = download_megabytes() << 20;
    origin.on("/get", Reply::new("hello from the origin"));
    origin.on("/up", Reply::echo());
    origin.on("/down", Reply::repeat(Random::new(1).bytes(1 << 16), down >> 16));
    origin.on("/moved", Reply::redirect(302, "/moved-again"));
    origin.on("/moved-again", Reply::redirect(307, "https://other.test/get"));
    let home = katana().origin(&origin).home();
    std::fs::write(home.dir.path().join("upload"), Random::new(2).bytes(UP)).unwrap();
    Field { origin, home, down, taken: Cell::new(0) }
}

impl Field {
    /// Runs a command under `katana run` and fails unless it ends well; its stdout.
    pub(crate) fn run(&self, command: &[&str]) -> Vec<u8> {
        let out = self.try_run(command);
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{:?}: {}\n{said}", command, out.status);
        out.stdout
    }

    /// Runs a command under `katana run`.
    pub(crate) fn try_run(&self, command: &[&str]) -> Output {
        self.home.command(&[&["run", "--"], command].concat()).output().unwrap()
    }

    /// A file in the home directory.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.home.dir.path().join(name)
    }

    /// The upload came whole; it is taken from the record.
    pub(crate) fn uploaded(&self) {
        let sent = std::fs::read(self.file("upload")).unwrap();
        assert!(self.origin.take("/up").body == sent, "the upload differs");
        self.taken.set(self.taken.get() + 1);
    }

    /// Every request that the origin got has one record of an allowed exchange in the audit, and the other way round.
    pub(crate) fn accounted(&self) {
        let shown = self.home.katana(&["audit", "show", "--json", "-n", "10000"]);
        let recorded: Vec<String> = documents(&shown.stdout)
            .iter()
            .filter(|r| r["event_type"] == "proxy_request")
            .map(|r| format!("{} {} {} {}", r["method"], r["path"], r["status"], r["decision"]))
            .collect();
        let got: Vec<_> =
            self.origin.received().into_iter().map(|r| format!("{} {}", r.method, r.target)).collect();
        let count = got.len() + self.taken.get();
        assert!(count > 0 && recorded.len() == count, "{count} came: {got:#?}\nrecorded: {recorded:#?}");
    }
}

/// Is the program there, and does it start? If not, says that the test is skipped.
pub(crate) fn there(program: &str, args: &[&str]) -> bool {
    let works = Command::new(program).args(args).output().is_ok_and(|o| o.status.success());
    if !works {
        eprintln!("skipped: `{program} {}` does not work here", args.join(" "));
    }
    works
}

#[test]
fn run_returns_the_childs_code_and_sums_up() {
    let field = field();
    assert_eq!(field.try_run(&["sh", "-c", "exit 7"]).status.code(), Some(7));
    assert_eq!(field.try_run(&["sh", "-c", "kill -TERM $$"]).status.code(), Some(128 + 15));
    let out = field.try_run(&["sh", "-c", "echo out; echo err >&2"]);
    assert_eq!(out.stdout, b"out\n");
    assert!(String::from_utf8_lossy(&out.stderr).contains("err"));
}

#[test]
fn the_child_gets_placeholders_and_no_key() {
    let home = katana().secret("OPENAI_API_KEY", "sk-test-Vb6nM3cX8zL1kJ4hG7fD").home();
    let key = crate::support::forms::base64(&[7; 32]);
    let out = home.command(&["run", "--", "env"]).env("KATANA_VAULT_KEY", key).output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    for name in [
        "HTTPS_PROXY",
        "https_proxy",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "NODE_EXTRA_CA_CERTS",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "GIT_SSL_CAINFO",
    ] {
        assert!(text.lines().any(|l| l.starts_with(&format!("{name}="))), "no {name}:\n{text}");
    }
    assert!(!text.contains("sk-test-Vb6nM3cX8zL1kJ4hG7fD"), "the value itself");
    assert!(!text.contains("KATANA_VAULT_KEY="), "the vault's key");
    assert!(
        text.lines().any(|l| l.starts_with("OPENAI_API_KEY=")),
        "the placeholder under its name:\n{text}"
    );
}
