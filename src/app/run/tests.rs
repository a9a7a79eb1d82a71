//! `run` against a fake proxy, and the preload against a real Node.

use super::*;
use crate::app::service::fake::{self, FakeStart};
use crate::app::{control, serve};
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread;

fn wish(script: &str, out: &Path) -> Wish {
    let words = ["/bin/sh".into(), "-c".into(), script.into(), "sh".into(), OsString::from(out)];
    Wish { command: words.into(), proxy: true, private: false, own_placeholders: false }
}

fn lines(out: &Path) -> Vec<String> {
    std::fs::read_to_string(out).unwrap().lines().map(str::to_owned).collect()
}

const TELL: &str = r#"printf '%s\n' "$HTTPS_PROXY" "$OPENAI_API_KEY" "$SSL_CERT_FILE" "[$NO_PROXY]" > "$1"
test -s "$SSL_CERT_FILE" && test -s "$NODE_EXTRA_CA_CERTS" && test -s "$WGETRC" && exit 7"#;

#[test]
fn a_command_runs_behind_a_proxy_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let (paths, out) = (fake::paths(dir.path()), dir.path().join("out"));
    let ended = run(&FakeStart, &fake::config("127.0.0.1:1"), &paths, &wish(TELL, &out)).unwrap();
    assert_eq!(ended.code, 7, "its own code");
    let tally = ended.tally.unwrap();
    assert_eq!(tally.to_string(), "12 requests, 3 injected, 1 scrubbed, 0 denied, audit head 1a2b3c4d5e6f…");
    assert!(!tally.shared);
    let told = lines(&out);
    assert!(told[0].starts_with("http://127.0.0.1:") && told[0] != "http://127.0.0.1:1", "{told:?}");
    assert_eq!((&*told[1], &*told[3]), ("sk-katana-placeholder", "[]"));
    assert!(!Path::new(&told[2]).exists(), "the files are gone with the run");
}

#[test]
fn without_a_proxy_secrets_still_come_as_placeholders() {
    let dir = tempfile::tempdir().unwrap();
    let (paths, out) = (fake::paths(dir.path()), dir.path().join("out"));
    let script = "echo \"$OPENAI_API_KEY\" > \"$1\"";
    let wish = Wish { proxy: false, ..wish(script, &out) };
    let ended = run(&FakeStart, &fake::config("127.0.0.1:1"), &paths, &wish).unwrap();
    assert_eq!(ended, Ended { code: 0, why: None, tally: None, run: None });
    assert_eq!(lines(&out), ["sk-katana-placeholder"]);
}

#[test]
fn the_running_proxy_is_used_if_it_is_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (paths, out) = (fake::paths(dir.path()), dir.path().join("out"));
    let (ready, is_ready) = mpsc::channel();
    let places = paths.clone();
    let life = thread::spawn(move || {
        serve::serve(&FakeStart, Arc::new(fake::config("127.0.0.1:0")), &places, |s| {
            ready.send(s["url"].as_str().unwrap().to_owned()).unwrap();
            Ok(())
        })
    });
    let url = is_ready.recv_timeout(Duration::from_secs(20)).unwrap();
    let config = fake::config("127.0.0.1:0");
    let shared = run(&FakeStart, &config, &paths, &wish(TELL, &out)).unwrap();
    assert_eq!(lines(&out)[0], url);
    let tally = shared.tally.unwrap();
    assert!(tally.shared);
    assert_eq!(tally.requests, 0, "only what happened meanwhile");
    for (config, private) in [(config.clone(), true), (Config { digest: "another".into(), ..config }, false)]
    {
        run(&FakeStart, &config, &paths, &Wish { private, ..wish(TELL, &out) }).unwrap();
        assert_ne!(lines(&out)[0], url);
    }
    control::ask(&paths.control(), "stop", json!({})).unwrap();
    assert!(life.join().unwrap().is_ok());
}

#[test]
fn another_ca_or_no_digest_is_not_the_same() {
    let config = fake::config("127.0.0.1:0");
    let issue = Issue { ca_fingerprint: "aa:bb".into(), ..Issue::default() };
    let status = json!({ "config_digest": config.digest, "ca": { "fingerprint": "aa:bb" } });
    assert!(suits(&status, &config, &issue));
    assert!(!suits(&status, &config, &Issue { ca_fingerprint: "cc".into(), ..Issue::default() }));
    assert!(!suits(&json!({}), &Config { digest: String::new(), ..config }, &Issue::default()));
}

/// A Python that starts with the hook, beside a stand-in for aiohttp.
fn python(dir: &Path, script: &str) -> Option<String> {
    let lib = dir.join("lib");
    for (name, text) in [
        ("aiohttp/__init__.py", "from .client import ClientSession\n"),
        (
            "aiohttp/client.py",
            "class ClientSession:\n    def __init__(self, *, trust_env=False): self.env = trust_env\n",
        ),
    ] {
        std::fs::create_dir_all(lib.join("aiohttp")).unwrap();
        std::fs::write(lib.join(name), text).unwrap();
    }
    let issue = Issue::default();
    let made = Materials::write(dir, &issue, "http://127.0.0.1:9", None).unwrap();
    let path = env::join_paths([&made.files.python, &lib]).unwrap();
    let ran = Command::new("python3").args(["-c", script]).env("PYTHONPATH", path).output();
    let Some(ran) = ran.ok().filter(|r| r.status.success() || !r.stderr.starts_with(b"pyenv")) else {
        eprintln!("skipped: python3 is not there");
        return None;
    };
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && said.is_empty(), "{said}");
    Some(String::from_utf8(ran.stdout).unwrap())
}

#[test]
fn python_s_aiohttp_heeds_the_environment_unless_told_otherwise() {
    let dir = tempfile::tempdir().unwrap();
    let script = "import aiohttp; S = aiohttp.ClientSession; print(S().env, S(trust_env=False).env)";
    assert!(python(dir.path(), script).is_none_or(|said| said == "True False\n"));
}

#[test]
fn python_s_own_start_up_module_still_runs() {
    let dir = tempfile::tempdir().unwrap();
    let script =
        "import sys, sitecustomize as s; print(s.__file__ == sys.path[2] + '/sitecustomize.py', s.mine)";
    std::fs::create_dir(dir.path().join("lib")).unwrap();
    std::fs::write(dir.path().join("lib/sitecustomize.py"), "mine = 'run'\n").unwrap();
    assert!(python(dir.path(), script).is_none_or(|said| said == "True run\n"));
}

#[test]
fn python_without_aiohttp_or_with_an_odd_one_is_as_before() {
    let dir = tempfile::tempdir().unwrap();
    let script = "
import os, sys
sys.path[:] = [p for p in sys.path if not p.endswith('-packages')]  # where a real one may lie
lib = sys.path[2]
os.rename(lib + '/aiohttp', lib + '/elsewhere')
try: import aiohttp
except ImportError: print('none')
os.mkdir(lib + '/aiohttp')
for name, text in ('__init__', ''), ('client', 'ClientSession = 7'):
    open(lib + '/aiohttp/' + name + '.py', 'w').write(text)
import importlib; importlib.invalidate_caches()
import aiohttp.client; print(aiohttp.client.ClientSession)";
    assert!(python(dir.path(), script).is_none_or(|said| said == "none\n7\n"));
}

#[test]
fn node_goes_through_the_proxy() {
    let dir = tempfile::tempdir().unwrap();
    let (cert, key) = (dir.path().join("c.pem"), dir.path().join("k.pem"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            "/CN=origin",
        ])
        .args(["-addext", "subjectAltName=DNS:origin.test,DNS:alive.test,DNS:fetch-alive.test", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&cert)
        .output();
    let node = Command::new("node").arg("--version").output();
    let (Ok(_), Ok(_)) = (made, node) else {
        eprintln!("skipped: openssl or node is not there");
        return;
    };
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let spaced = dir.path().join("a dir with spaces.cjs");
    std::fs::copy(here.join("config/node-preload.cjs"), &spaced).unwrap();
    let done = Command::new("node")
        .arg(here.join("src/app/run/preload_tests.cjs"))
        .args([&cert, &key, &spaced])
        .env_remove("NODE_OPTIONS")
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
