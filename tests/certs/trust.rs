//! `katana ca trust` on this machine, asked of real clients: curl, Python, NSS's own client, Java. Each runs where its tools
//! are, and leaves the machine as it was; system and Java stores are touched only by root on Debian.

use super::{json, print, said};
use crate::clients::there;
use crate::support::katana::{Home, documents};
use crate::support::{Katana, Reply, katana, origin};
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Takes what a test put in out again, whatever became of the test.
struct Undo<'a> {
    home: &'a Home,
    store: &'static str,
    /// A file that tools rewrite, and how it was.
    file: Option<(PathBuf, Vec<u8>)>,
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        let _ = self.home.katana(&["ca", "trust", "--uninstall", "--store", self.store]);
        if let Some((path, bytes)) = &self.file {
            let _ = fs::write(path, bytes);
        }
    }
}

fn trusted(home: &Home, store: &str, how: &[&str]) -> Vec<Value> {
    let said = json(home, &[&["ca", "trust", "--store", store], how].concat());
    said["stores"].as_array().unwrap().clone()
}

fn outcomes(stores: &[Value]) -> Vec<&str> {
    stores.iter().map(|s| s["outcome"].as_str().unwrap()).collect()
}

/// Runs a client with nothing of katana's in its environment but what is given.
fn client(katana: &Katana, program: &str, args: &[&str]) -> Output {
    let mut command = Command::new(program);
    katana.home.furnish(&mut command);
    command.args(args).output().unwrap()
}

fn with_origin() -> (crate::support::Origin, Katana) {
    let origin = origin().start();
    origin.on("/get", Reply::new("hello from the origin"));
    let katana = katana().origin(&origin).start();
    (origin, katana)
}

fn may_change_the_machine() -> bool {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let debian = release.contains("ID=debian") || release.contains("ID_LIKE=debian");
    let may = debian && rustix::process::geteuid().is_root() && there("update-ca-certificates", &["--help"]);
    if !may {
        eprintln!("skipped: the system's store is changed only by root on Debian with ca-certificates");
    }
    may
}

const PYTHON: &str = "import sys, urllib.request as u; \
    print(u.build_opener(u.ProxyHandler({'https': sys.argv[1]})).open('https://origin.test/get').read().decode())";

const JAVA: &str = r#"
import java.net.*;
public class Fetch {
    public static void main(String[] args) throws Exception {
        Proxy proxy = new Proxy(Proxy.Type.HTTP, new InetSocketAddress("127.0.0.1", Integer.parseInt(args[0])));
        URLConnection c = URI.create("https://origin.test/get").toURL().openConnection(proxy);
        System.out.print(new String(c.getInputStream().readAllBytes()));
    }
}
"#;

#[test]
fn with_nothing_but_the_systems_and_javas_stores_real_clients_get_through_until_it_is_taken_out() {
    if !may_change_the_machine() {
        return;
    }
    let (_origin, katana) = with_origin();
    let (home, proxy) = (&katana.home, format!("http://{}", katana.addr));
    let python = if Path::new("/usr/bin/python3").exists() { "/usr/bin/python3" } else { "python3" };
    let mut clients: Vec<(&str, Vec<&str>)> = Vec::new();
    if there("curl", &["--version"]) {
        clients.push(("curl", vec!["-sS", "--fail", "-x", &proxy, "https://origin.test/get"]));
    }
    if there(python, &["--version"]) {
        clients.push((python, vec!["-c", PYTHON, &proxy]));
    }
    let through = |(program, args): &(&str, Vec<&str>)| {
        let out = client(&katana, program, args);
        (out.status.success() && out.stdout.trim_ascii() == b"hello from the origin", said(&out))
    };
    let all = |clients: &[(&str, Vec<&str>)], want: bool| {
        for c in clients {
            let (got, said) = through(c);
            assert_eq!(got, want, "{}: {said}", c.0);
        }
    };
    all(&clients, false);
    let cacerts = PathBuf::from("/etc/ssl/certs/java/cacerts");
    let file = fs::read(&cacerts).ok().map(|bytes| (cacerts, bytes));
    let system = Undo { home, store: "system", file };
    assert_eq!(outcomes(&trusted(home, "system", &["--dry-run"])), ["planned"]);
    all(&clients, false);
    assert_eq!(outcomes(&trusted(home, "system", &[])), ["trusted"]);
    assert_eq!(outcomes(&trusted(home, "system", &[])), ["unchanged"]);
    all(&clients, true);

    javas_own_store(&katana);
    json(home, &["ca", "rotate", "--overlap", "0s"]);
    let done = trusted(home, "system", &[]);
    assert!(outcomes(&done) == ["trusted"] && done[0]["steps"].as_array().unwrap().len() == 3, "{done:?}");
    let status = json(home, &["ca", "show"]);
    let new = format!("katana-{}", &print(&status)[..16]);
    assert!(Path::new("/usr/local/share/ca-certificates").join(format!("{new}.crt")).exists());
    assert_eq!(outcomes(&trusted(home, "system", &["--uninstall"])), ["removed"]);
    assert_eq!(outcomes(&trusted(home, "system", &["--uninstall"])), ["unchanged"]);
    drop(system);
    assert_eq!(links_to(&new), Vec::<PathBuf>::new());
    all(&clients, false);
}

/// Java's HTTPS client, with its store and without. On Debian the system's tool has told Java's already.
fn javas_own_store(katana: &Katana) {
    if !there("java", &["-version"]) || !there("javac", &["-version"]) {
        return;
    }
    let home = &katana.home;
    fs::write(home.dir.path().join("Fetch.java"), JAVA).unwrap();
    let port = katana.addr.port().to_string();
    let fetch = |want: bool| {
        let out = client(katana, "java", &["Fetch.java", &port]);
        assert_eq!(out.stdout.trim_ascii() == b"hello from the origin", want, "{}", said(&out));
    };
    let _undo = Undo { home, store: "java", file: None };
    trusted(home, "java", &[]);
    fetch(true);
    for _ in 0..2 {
        let done = trusted(home, "java", &["--uninstall"]);
        assert!(!done.is_empty() && outcomes(&done).iter().all(|o| *o == "removed"), "{done:?}");
        fetch(false);
        let done = trusted(home, "java", &[]);
        assert!(outcomes(&done).iter().all(|o| *o == "trusted"), "{done:?}");
        fetch(true);
    }
}

/// What in the system's directory of certificates leads to a file with this name.
fn links_to(name: &str) -> Vec<PathBuf> {
    let all = fs::read_dir("/etc/ssl/certs").unwrap().map(|e| e.unwrap().path());
    all.filter(|p| fs::read_link(p).is_ok_and(|to| to.to_string_lossy().contains(name))).collect()
}

/// A port that leads through the proxy to the origin, for a client that knows no proxies.
fn relay(to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let mut proxy = TcpStream::connect(to).unwrap();
            proxy.write_all(b"CONNECT origin.test:443 HTTP/1.1\r\nHost: origin.test:443\r\n\r\n").unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                proxy.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            let copy = |mut from: TcpStream, mut to: TcpStream| {
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(std::net::Shutdown::Write);
                });
            };
            copy(client.try_clone().unwrap(), proxy.try_clone().unwrap());
            copy(proxy, client);
        }
    });
    at
}

#[test]
fn browsers_databases_trust_it_and_nsss_own_client_agrees() {
    if !there("sh", &["-c", "command -v certutil"]) {
        return;
    }
    let (_origin, katana) = with_origin();
    let home = &katana.home;
    assert_eq!(trusted(home, "nss", &[]), Vec::<Value>::new(), "no browser, nothing to do");
    let databases =
        [".pki/nssdb", ".mozilla/firefox/x1.default", "snap/firefox/common/.mozilla/firefox/x2.snap"];
    let database = |dir: &str| format!("sql:{}", home.dir.path().join(dir).display());
    for dir in databases {
        fs::create_dir_all(home.dir.path().join(dir)).unwrap();
        let made = client(&katana, "certutil", &["-N", "-d", &database(dir), "--empty-password"]);
        assert!(made.status.success(), "{}", said(&made));
    }
    fs::create_dir_all(home.dir.path().join(".mozilla/firefox/Crash Reports")).unwrap();
    let port = relay(katana.addr).port().to_string();
    let connects = |dir: &str| {
        let args = ["-4", "-h", "localhost", "-p", &port, "-d", &database(dir), "-Q"];
        client(&katana, "tstclnt", &args).status.success()
    };
    let tstclnt = there("sh", &["-c", "command -v tstclnt"]);
    assert!(!tstclnt || databases.iter().all(|d| !connects(d)), "nobody trusts it yet");
    assert_eq!(outcomes(&trusted(home, "nss", &[])), ["trusted"; 3]);
    assert_eq!(outcomes(&trusted(home, "nss", &[])), ["unchanged"; 3]);
    for dir in databases {
        assert!(!tstclnt || connects(dir), "{dir}");
    }
    let name = format!("katana-{}", &print(&json(home, &["ca", "show"]))[..16]);
    let distrust = ["-M", "-d", &database(databases[0]), "-n", &name, "-t", ",,"];
    assert!(client(&katana, "certutil", &distrust).status.success());
    assert!(!tstclnt || !connects(databases[0]));
    let done = trusted(home, "nss", &[]);
    assert_eq!(
        outcomes(&done).iter().filter(|o| **o == "trusted").count(),
        1,
        "trust that was taken away: {done:?}"
    );
    assert!(!tstclnt || connects(databases[0]));
    assert_eq!(outcomes(&trusted(home, "nss", &["--uninstall"])), ["removed"; 3]);
    assert!(!tstclnt || databases.iter().all(|d| !connects(d)));
    assert_eq!(outcomes(&trusted(home, "nss", &["--uninstall"])), ["unchanged"; 3]);

    // one that is broken is said, and does not keep the others from being done
    fs::write(home.dir.path().join(databases[1]).join("cert9.db"), "no database").unwrap();
    let out = home.katana(&["ca", "trust", "--store", "nss", "--json"]);
    assert_eq!(out.status.code(), Some(3), "{}", said(&out));
    let stores = documents(&out.stdout)[0]["stores"].as_array().unwrap().clone();
    assert_eq!(outcomes(&stores), ["trusted", "failed", "trusted"], "{stores:?}");
    assert_eq!(stores[1]["error"]["code"], "trust_tool_failed");
}

#[test]
fn who_may_not_change_the_system_is_told_the_command_that_may() {
    if !may_change_the_machine() {
        return;
    }
    let home = katana().home();
    let root = home.dir.path().to_owned();
    let nobody = 65534;
    fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&home.config, fs::Permissions::from_mode(0o644)).unwrap();
    let state = root.join("nobody");
    fs::create_dir(&state).unwrap();
    chown(&state, Some(nobody), Some(nobody)).unwrap();
    let run = |args: &[&str]| {
        let mut command = home.command(args);
        command
            .env("HOME", &state)
            .env("TMPDIR", &state)
            .env_remove("XDG_RUNTIME_DIR")
            .uid(nobody)
            .gid(nobody);
        command.output()
    };
    if !run(&["--version"]).is_ok_and(|o| o.status.success()) {
        eprintln!("skipped: another user cannot run the program here");
        return;
    }
    let out = run(&["ca", "trust", "--store", "system", "--json"]).unwrap();
    assert_eq!(out.status.code(), Some(3), "{}", said(&out));
    let store = &documents(&out.stdout)[0]["stores"][0];
    assert_eq!(store["error"]["code"], "trust_needs_root", "{store}");
    let remedy = store["error"]["remedy"].as_str().unwrap();
    let dir = state.join(".config/hermes-katana/ca");
    assert!(
        remedy.starts_with("sudo ") && remedy.ends_with(&format!("--from {} --store system", dir.display())),
        "{remedy}"
    );
    let planned = home
        .command(&["ca", "trust", "--store", "system", "--dry-run", "--json", "--from"])
        .arg(&dir)
        .output();
    let planned = documents(&planned.unwrap().stdout).remove(0);
    assert_eq!(planned["stores"][0]["outcome"], "planned", "root does it with the very command: {planned}");
    let whose = home.command(&["ca", "trust", "--dry-run"]).env("SUDO_USER", "agent").output().unwrap();
    assert!(whose.status.code() == Some(4) && said(&whose).contains("agent"), "{}", said(&whose));
}
