//! A katana of the test's own: the built program, in a home directory of its own, on a port of its own.

use super::origin::{NAMES, Origin};
use super::{PATIENCE, config, pki, until};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_katana");

/// Begins a katana.
pub(crate) fn katana() -> Builder {
    let home = tempfile::tempdir().unwrap();
    let roots = home.path().join("roots.pem");
    fs::write(&roots, pki::ca_pem()).unwrap();
    for folder in ["run", "tmp"] {
        fs::create_dir(home.path().join(folder)).unwrap();
        private(&home.path().join(folder));
    }
    Builder { config: config::base(&roots), home, secrets: Vec::new() }
}

fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
}

/// How a katana is to be.
pub(crate) struct Builder {
    home: tempfile::TempDir,
    config: Value,
    secrets: Vec<(String, String)>,
}

impl Builder {
    /// Lays configuration over what is there; lists are appended to.
    pub(crate) fn config(mut self, over: Value) -> Self {
        config::lay_over(&mut self.config, &over);
        self
    }

    /// All of an origin's names lead to it, on any port.
    pub(crate) fn origin(self, origin: &Origin) -> Self {
        let names = NAMES.iter().filter(|n| n.ends_with(|c: char| c.is_ascii_lowercase()) && n.contains('.'));
        names.fold(self, |b, name| b.reach(name, origin.addr))
    }

    /// One name (or `name:port`) leads to an address.
    pub(crate) fn reach(self, name: &str, addr: SocketAddr) -> Self {
        self.config(config::reach(name, addr))
    }

    /// Puts a value into the vault.
    pub(crate) fn secret(mut self, name: &str, value: &str) -> Self {
        self.secrets.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The home directory with everything in it, for commands; nothing is started.
    pub(crate) fn home(self) -> Home {
        let home =
            Home { config: self.home.path().join("config.yaml"), dir: self.home, settings: self.config };
        home.configure(&home.settings);
        for (name, value) in &self.secrets {
            let out = home.katana_in(&["vault", "set", name], value);
            assert!(out.status.success(), "vault set: {}", String::from_utf8_lossy(&out.stderr));
        }
        home
    }

    /// Starts the proxy; it accepts connections when this returns.
    pub(crate) fn start(self) -> Katana {
        self.home().start()
    }
}

/// A home directory: configuration, vault, CA, audit.
pub(crate) struct Home {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) config: PathBuf,
    pub(crate) settings: Value,
}

impl Home {
    /// Writes the configuration file, at once as an editor would.
    pub(crate) fn configure(&self, settings: &Value) {
        self.configure_text(&serde_json::to_string_pretty(settings).unwrap());
    }

    /// Writes anything as the configuration file.
    pub(crate) fn configure_text(&self, text: &str) {
        let new = self.config.with_extension("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, &self.config).unwrap();
    }

    /// A katana command in this home.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        self.furnish(&mut command);
        command.args(args);
        command
    }

    /// Gives a command this home and nothing of the machine's proxies and keys.
    pub(crate) fn furnish(&self, command: &mut Command) {
        let home = self.dir.path();
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home)
            .env("XDG_RUNTIME_DIR", home.join("run"))
            .env("TMPDIR", home.join("tmp"))
            .env("LC_ALL", "C.UTF-8")
            .env("KATANA_CONFIG", &self.config)
            .current_dir(home);
    }

    /// Runs a katana command to its end.
    pub(crate) fn katana(&self, args: &[&str]) -> Output {
        self.katana_in(args, "")
    }

    /// Runs a katana command with this on its stdin.
    pub(crate) fn katana_in(&self, args: &[&str], stdin: &str) -> Output {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let pid = rustix::process::Pid::from_child(&child);
        let (send, done) = mpsc::channel();
        std::thread::spawn(move || drop(send.send(child.wait_with_output())));
        match done.recv_timeout(PATIENCE) {
            Ok(output) => output.unwrap(),
            Err(_) => {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
                panic!("katana {args:?} does not end");
            }
        }
    }

    /// Starts the proxy of this home and waits until it is ready.
    pub(crate) fn start(self) -> Katana {
        self.try_start().unwrap_or_else(|(code, log)| panic!("katana ended with {code:?}:\n{log}"))
    }

    /// Starts the proxy; if it ends instead of getting ready: its exit code and what it said.
    pub(crate) fn try_start(self) -> Result<Katana, (Option<i32>, String)> {
        let log = self.dir.path().join("proxy.log");
        let mut child = self
            .command(&["proxy", "start", "--foreground", "--json", "--config"])
            .arg(&self.config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let (send, ready) = mpsc::channel();
        std::thread::spawn(move || {
            let mut documents = serde_json::Deserializer::from_reader(stdout).into_iter::<Value>();
            if let Some(Ok(said)) = documents.next() {
                let _ = send.send(said);
            }
        });
        // the status when it is ready, the error when it is not going to be, or nothing
        let said = ready.recv_timeout(PATIENCE).unwrap_or_default();
        if let Some(addr) = said["listen"].as_str() {
            let addr = addr.parse().expect("an address");
            let ca = fs::read_to_string(said["ca"]["path"].as_str().unwrap()).unwrap();
            return Ok(Katana { home: self, child, addr, ca });
        }
        let code = until("the end of what did not start", || child.try_wait().unwrap()).code();
        Err((code, fs::read_to_string(log).unwrap_or_default() + &said.to_string()))
    }
}

/// A running proxy; it is killed with the value.
pub(crate) struct Katana {
    pub(crate) home: Home,
    child: Child,
    /// Where it listens.
    pub(crate) addr: SocketAddr,
    /// Its CA, as PEM.
    pub(crate) ca: String,
}

impl Katana {
    /// The placeholder of a vault entry.
    pub(crate) fn placeholder(&self, name: &str) -> String {
        let listing = documents(&self.home.katana(&["vault", "list", "--json"]).stdout);
        let entry = flat(&listing).into_iter().find(|e| e["name"] == name || e["key"] == name);
        let entry = entry.unwrap_or_else(|| panic!("{name} is not listed: {listing:?}"));
        entry["placeholder"].as_str().expect("the listing has placeholders").to_owned()
    }

    /// Every audit record, oldest first.
    pub(crate) fn audit(&self) -> Vec<Value> {
        let out = self.home.katana(&["audit", "show", "--json", "--limit", "1000000"]);
        assert!(out.status.success(), "audit show: {}", String::from_utf8_lossy(&out.stderr));
        flat(&documents(&out.stdout))
    }

    /// The records of requests to a path (queries aside), once there are `count`, and after a moment still `count`.
    pub(crate) fn records(&self, path: &str, count: usize) -> Vec<Value> {
        let of = |r: &Value| {
            r["event_type"] == "proxy_request"
                && r["path"].as_str().is_some_and(|p| p.split('?').next() == Some(path))
        };
        let find = || self.audit().into_iter().filter(of).collect::<Vec<_>>();
        until(&format!("{count} audit records of {path}"), || (find().len() >= count).then_some(()));
        std::thread::sleep(std::time::Duration::from_millis(100));
        let found = find();
        assert_eq!(found.len(), count, "{found:#?}");
        found
    }

    /// Fails unless the audit chain holds.
    pub(crate) fn verify_audit(&self) {
        let out = self.home.katana(&["audit", "verify", "--json"]);
        assert!(out.status.success(), "{out:?}");
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits for its end; its exit code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        until("the end of the proxy", || self.child.try_wait().unwrap()).code()
    }

    /// Stops it by SIGTERM, and fails unless it ends well.
    pub(crate) fn stop(&mut self) {
        self.signal(rustix::process::Signal::TERM);
        assert_eq!(self.wait(), Some(0), "{}", self.log());
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.home.dir.path().join("proxy.log")).unwrap_or_default()
    }

    /// Fails if the value stands in anything katana writes for people: its log and its audit.
    pub(crate) fn never_tells(&self, value: &str) {
        assert!(!self.log().contains(value), "the log holds a secret");
        assert!(!Value::from(self.audit()).to_string().contains(value), "the audit holds a secret");
    }
}

impl Drop for Katana {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log();
            let tail = log.lines().rev().take(40).collect::<Vec<_>>();
            eprintln!("— the proxy's log —\n{}", tail.into_iter().rev().collect::<Vec<_>>().join("\n"));
        }
    }
}

/// Every JSON document in some output.
pub(crate) fn documents(bytes: &[u8]) -> Vec<Value> {
    let documents = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
    documents.collect::<Result<_, _>>().unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(bytes)))
}

/// Lists opened up, also those that are the `entries` of an object.
fn flat(documents: &[Value]) -> Vec<Value> {
    let mut out = Vec::new();
    for document in documents {
        match document {
            Value::Array(items) => out.extend(items.iter().cloned()),
            Value::Object(map) if map.get("entries").is_some_and(Value::is_array) => {
                out.extend(map["entries"].as_array().unwrap().clone());
            }
            other => out.push(other.clone()),
        }
    }
    out
}
