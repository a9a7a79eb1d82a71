//! Entries by reference, with the real program: asked by commands, followed by the proxy, never on the disk.

use crate::support::katana::{Home, documents};
use crate::support::reply::Reply;
use crate::support::{Ask, Client, Katana, Proto, block_on, katana, origin, pki, until};
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

const ONE: &str = "sk-reference-Zq7mN2xK9vLpW4tRb8Yc";
const OTHER: &str = "sk-ant-reference-Lm3nB7vC2xZ9aS5d";
const TWO: &str = "sk-reference-Hd5sJ3gQ6wTzX1cVn0Bk";

fn put(path: &Path, text: &str, mode: u32) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(mode)).unwrap();
    fs::rename(new, path).unwrap();
}

fn set(home: &Home, name: &str, reference: &str) {
    let out = home.katana(&["vault", "set", name, "--from", reference]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

fn get(home: &Home, name: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = home.command(&["vault", "get", name]);
    command.envs(variables.iter().copied()).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn commands_ask_and_the_disk_never_has_the_value() {
    let home = katana().home();
    let file = home.dir.path().join("secret");
    put(&file, &format!("{ONE}\n"), 0o600);
    set(&home, "BY_FILE", &format!("file:{}", file.display()));
    set(&home, "BY_ENV", "env:GIVEN_KEY");
    set(&home, "BY_EXEC", &format!("exec:cat '{}'", file.display()));
    for name in ["BY_FILE", "BY_ENV", "BY_EXEC"] {
        let out = get(&home, name, &[("GIVEN_KEY", ONE)]);
        assert_eq!(String::from_utf8_lossy(&out.stdout), ONE, "{name}: {out:?}");
    }
    let listed = String::from_utf8(home.katana(&["vault", "list"]).stdout).unwrap();
    assert!(listed.contains("env:GIVEN_KEY") && !listed.contains(ONE), "{listed}");
    let out = get(&home, "BY_ENV", &[]);
    assert_eq!((out.status.code(), out.stdout.len()), (Some(3), 0));
    put(&file, ONE, 0o644);
    assert_eq!(get(&home, "BY_FILE", &[]).status.code(), Some(4), "open to others");
    let out = home.katana(&["vault", "verify", "--resolve", "--json"]);
    assert_eq!(out.status.code(), Some(1));
    let said = &documents(&out.stdout)[0]["references"];
    let ok: Vec<_> =
        said.as_array().unwrap().iter().map(|r| (r["name"].as_str().unwrap(), r["code"].as_str())).collect();
    let want =
        [("BY_ENV", Some("reference_unset")), ("BY_EXEC", None), ("BY_FILE", Some("reference_denied"))];
    assert_eq!(ok, want);
    assert_eq!(home.katana(&["vault", "verify"]).status.code(), Some(0), "without --resolve nobody is asked");
    for bad in ["nonsense", "exec:", "file:relative", "env:KATANA_VAULT_KEY", ONE] {
        let out = home.katana(&["vault", "set", "BAD", "--from", bad]);
        assert_eq!(out.status.code(), Some(4), "{bad}");
        assert!(!String::from_utf8_lossy(&out.stderr).contains(ONE), "what was pasted is not shown");
    }
    let vault = fs::read_dir(home.dir.path().join(".config/hermes-katana")).unwrap();
    for path in vault.flatten().map(|e| e.path()).filter(|p| p.is_file()) {
        let bytes = fs::read(&path).unwrap();
        assert!(!bytes.windows(ONE.len()).any(|w| w == ONE.as_bytes()), "{}", path.display());
    }
}

#[test]
fn hashicorps_vault_is_trusted_by_its_certificate() {
    let server = origin().start();
    server.on("/v1/kv/data/app", Reply::new(format!(r#"{{"data":{{"data":{{"key":"{ONE}"}}}}}}"#)));
    let home = katana().home();
    set(&home, "BY_VAULT", "vault://kv/app#key");
    let roots = home.dir.path().join("vault-ca.pem");
    fs::write(&roots, pki::ca_pem()).unwrap();
    let address = format!("https://localhost:{}", server.addr.port());
    let here =
        [("VAULT_ADDR", &*address), ("VAULT_TOKEN", "hvs.t0ken"), ("HTTPS_PROXY", "http://127.0.0.1:1")];
    let out = get(&home, "BY_VAULT", &here);
    assert_eq!(out.status.code(), Some(3), "a certificate of an unknown authority");
    assert_eq!(server.received().len(), 0, "the token went nowhere");
    let out = get(&home, "BY_VAULT", &[&here[..], &[("VAULT_CACERT", roots.to_str().unwrap())]].concat());
    assert_eq!(String::from_utf8_lossy(&out.stdout), ONE, "{out:?}");
    assert_eq!(server.take("/v1/kv/data/app").header("x-vault-token"), "hvs.t0ken");
}

/// A proxy with a key by reference and one by value, and how often the backend was asked.
fn running() -> (crate::support::Origin, Katana, PathBuf, PathBuf) {
    let origin = origin().start();
    for path in ["/first", "/next", "/gone", "/other", "/again", "/many"] {
        origin.on(path, Reply::new("well"));
    }
    let home = katana()
        .origin(&origin)
        .secret("ANTHROPIC_API_KEY", OTHER)
        .config(json!({"vault": {"reference_ttl": "2s", "reference_failure_ttl": "1s"}}))
        .home();
    let (file, count) = (home.dir.path().join("secret"), home.dir.path().join("count"));
    put(&file, ONE, 0o600);
    let script = home.dir.path().join("give");
    put(&script, &format!("#!/bin/sh\necho >> {}\nexec cat {}\n", count.display(), file.display()), 0o700);
    set(&home, "OPENAI_API_KEY", &format!("exec:{}", script.display()));
    (origin, home.start(), file, count)
}

#[test]
fn the_proxy_follows_what_a_backend_gives() {
    let (origin, katana, file, _) = running();
    let sent = |host: &str, path: &str| {
        let answer =
            block_on(async { Client::new(&katana).open(host, Proto::H1).await.ask(Ask::get(path)).await });
        let header = if host == "api.openai.com" { "authorization" } else { "x-api-key" };
        (answer.status.as_u16(), origin.try_take(path).map(|r| r.header(header)))
    };
    assert_eq!(
        sent("api.openai.com", "/first"),
        (200, Some(format!("Bearer {ONE}"))),
        "asked before it is ready"
    );
    put(&file, TWO, 0o600);
    until("the new value", || (sent("api.openai.com", "/next").1? == format!("Bearer {TWO}")).then_some(()));
    fs::remove_file(&file).unwrap();
    let answer = until("the refusal", || {
        let ask = Ask::get("/gone");
        let answer =
            block_on(async { Client::new(&katana).open("api.openai.com", Proto::H1).await.ask(ask).await });
        (answer.status == 503).then_some(answer)
    });
    assert_eq!(answer.denied(503)["code"], "credential_unresolved");
    assert_eq!(sent("api.anthropic.com", "/other"), (200, Some(OTHER.into())), "others are unaffected");
    put(&file, ONE, 0o600);
    until("the value again", || {
        (sent("api.openai.com", "/again").1? == format!("Bearer {ONE}")).then_some(())
    });
    katana.never_tells(ONE);
}

#[test]
fn requests_ask_nobody() {
    let begun = std::time::Instant::now();
    let (_origin, katana, _, count) = running();
    block_on(async {
        let mut client = Client::new(&katana).open("api.openai.com", Proto::H2).await;
        for _ in 0..50 {
            assert_eq!(client.ask(Ask::get("/many")).await.status, 200);
        }
    });
    let asked = fs::read_to_string(&count).unwrap().lines().count();
    // one before it was ready, then one each time three quarters of two seconds are over
    let most = 2 + usize::try_from(begun.elapsed().as_millis() / 1500).unwrap();
    assert!((1..=most).contains(&asked), "{asked} times in {:?}", begun.elapsed());
}

#[test]
fn a_child_sees_the_placeholder_of_a_variable_that_is_a_reference() {
    let home = katana().home();
    set(&home, "OPENAI_API_KEY", "env:MY_OWN_KEY");
    let show = "echo \"[$OPENAI_API_KEY] [$MY_OWN_KEY]\"";
    let mut command = home.command(&["run", "--", "sh", "-c", show]);
    let out = command.env("MY_OWN_KEY", ONE).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success() && !said.contains(ONE) && said.contains("sk-proj-"), "{out:?}");
}
