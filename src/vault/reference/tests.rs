//! What is a reference, and what each backend answers: files, variables, credentials, a fake `op`, a fake vault.
use super::*;
use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;

const LONG: Duration = Duration::from_secs(30);

fn world(variables: &[(&str, &str)]) -> World {
    let all: HashMap<String, OsString> =
        variables.iter().map(|(n, v)| ((*n).to_owned(), OsString::from(v))).collect();
    World::of(move |name| all.get(name).cloned())
}

fn fetch(reference: &str, world: &World) -> Result<String, Fault> {
    let value = Reference::parse(reference).map_err(Fault::Reference)?.fetch(world, LONG)?;
    Ok(String::from_utf8(value.expose().to_vec()).unwrap())
}

fn put(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_is_a_reference() {
    for (text, backend) in [
        ("exec:pass show openai", "exec"),
        ("exec:/usr/bin/env true", "exec"),
        ("exec:sh -c 'a | b'", "exec"),
        ("file:/run/secrets/x", "file"),
        ("env:MY_KEY", "env"),
        ("op://vault/item/field", "op"),
        ("op://vault/item/section/field", "op"),
        ("vault://kv/app#key", "vault"),
        ("systemd:openai", "systemd"),
    ] {
        assert_eq!(Reference::parse(text).unwrap().backend(), backend, "{text}");
        assert!(crate::vault::BACKENDS.contains(&backend));
    }
    for bad in [
        "",
        "sk-pasted-secret",
        "exec:",
        "exec:'open",
        "exec:./x",
        "exec:''",
        "file:relative",
        "file:~/x",
        "file:",
        "env:",
        "env:A B",
        "env:1A",
        "env:KATANA_VAULT_KEY",
        "env:HERMES_KATANA_VAULT_KEY",
        "op://vault/item",
        "op:x",
        "op://a//b",
        "vault:kv/app#k",
        "systemd:",
        "systemd:../x",
        "systemd:katana-vault-key",
        "http://x",
        "env:A\n",
        "file:/a\u{1b}b",
    ] {
        let why = Reference::parse(bad).unwrap_err();
        assert!(!why.contains("pasted"), "{bad}: {why}");
    }
    let Reference::Exec(argv) = Reference::parse("exec:a 'b c' \"d\" e\\ f").unwrap() else { panic!() };
    assert_eq!(argv, ["a", "b c", "d", "e f"]);
}

#[test]
fn files_variables_and_credentials() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    put(&at("good"), "value\n", 0o600);
    put(&at("open"), "value", 0o644);
    put(&at("group"), "value", 0o440);
    put(&at("empty"), "\n", 0o600);
    std::os::unix::fs::symlink("good", at("link")).unwrap();
    std::os::unix::fs::symlink("open", at("bad-link")).unwrap();
    let world =
        world(&[("CREDENTIALS_DIRECTORY", dir.path().to_str().unwrap()), ("A", "value"), ("NOTHING", "")]);
    let file = |name: &str| fetch(&format!("file:{}", at(name).display()), &world).map_err(|f| f.code());
    assert_eq!(file("good").as_deref(), Ok("value"));
    assert_eq!(file("link").as_deref(), Ok("value"), "what a link leads to is what counts");
    for (name, code) in [
        ("open", "reference_denied"),
        ("group", "reference_denied"),
        ("bad-link", "reference_denied"),
        ("no", "reference_missing"),
        ("", "reference_denied"),
        ("empty", "reference_value"),
    ] {
        assert_eq!(file(name), Err(code), "{name}");
    }
    let other = |reference: &str| fetch(reference, &world).map_err(|f| f.code());
    assert_eq!(other("systemd:group").as_deref(), Ok("value"));
    assert_eq!(other("systemd:open"), Err("reference_denied"));
    assert_eq!(other("systemd:link"), Err("reference_denied"));
    assert_eq!(other("env:A").as_deref(), Ok("value"));
    assert_eq!(other("env:B"), Err("reference_unset"));
    assert_eq!(other("env:NOTHING"), Err("reference_unset"));
}

#[test]
fn one_password_is_asked_by_its_tool() {
    let dir = tempfile::tempdir().unwrap();
    let script = "#!/bin/sh\n[ \"$1 $2\" = 'read --no-newline' ] || exit 9\n\
                  [ -n \"$OP_SERVICE_ACCOUNT_TOKEN\" ] && [ -z \"$OTHER\" ] || exit 8\n\
                  [ \"$3\" = op://v/i/f ] && printf 'the value' && exit\n\
                  echo \"[ERROR] \\\"$3\\\" isn't an item\" >&2; exit 1\n";
    put(&dir.path().join("op"), script, 0o755);
    let path = format!("{}:/usr/bin:/bin", dir.path().display());
    let here = world(&[("PATH", &path), ("OP_SERVICE_ACCOUNT_TOKEN", "ops_1"), ("OTHER", "x")]);
    assert_eq!(fetch("op://v/i/f", &here).as_deref(), Ok("the value"));
    let fault = fetch("op://v/i/g", &here).unwrap_err();
    assert_eq!(fault.to_string(), "op ended with 1: [ERROR] \"op://v/i/g\" isn't an item");
    assert_eq!(fetch("op://v/i/f", &world(&[("PATH", "/nowhere")])).unwrap_err().code(), "reference_missing");
}

/// A server that speaks as much of KV version 2 as is asked of it, and says what it was asked.
fn kv(requests: usize) -> (String, thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let other = address.clone();
    let serve = move || {
        let mut heard = Vec::new();
        for stream in listener.incoming().take(requests) {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(&stream).lines().map(Result::unwrap);
            let head: Vec<String> = lines.take_while(|l| !l.is_empty()).collect();
            let (status, body) = match head[0].split(' ').nth(1).unwrap() {
                "/v1/kv/data/app" => {
                    ("200 OK", r#"{"data":{"data":{"key":"the value","n":5},"metadata":{"version":2}}}"#)
                }
                "/v1/kv/data/app?version=1" => {
                    ("200 OK", r#"{"data":{"data":{"key":"the old one"},"metadata":{"version":1}}}"#)
                }
                "/v1/kv/data/gone" => ("404 Not Found", r#"{"data":{"data":null,"metadata":{}}}"#),
                "/v1/kv/data/closed" => ("403 Forbidden", r#"{"errors":["permission denied"]}"#),
                "/v1/kv/data/sealed" => ("503 Service Unavailable", r#"{"errors":["Vault is sealed"]}"#),
                "/v1/kv/data/odd" => ("200 OK", r#"{"data":{"key":"version 1 of the engine"}}"#),
                "/v1/kv/data/elsewhere" => ("307 Temporary Redirect", ""),
                _ => ("400 Bad Request", "{}"),
            };
            write!(
                stream,
                "HTTP/1.1 {status}\r\nlocation: {other}/v1/kv/data/app\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            )
            .unwrap();
            heard.push(head.join("\n").to_lowercase());
        }
        heard
    };
    (address, thread::spawn(serve))
}

#[test]
fn hashicorps_vault_is_asked_by_its_api() {
    let cases = [
        ("vault://kv/app#key", Ok("the value")),
        ("vault://kv/app?version=1#key", Ok("the old one")),
        ("vault://kv/app#no", Err("reference_missing")),
        ("vault://kv/app#n", Err("reference_value")),
        ("vault://kv/gone#key", Err("reference_missing")),
        ("vault://kv/closed#key", Err("reference_denied")),
        ("vault://kv/sealed#key", Err("reference_unreachable")),
        ("vault://kv/odd#key", Err("reference_unreachable")),
        ("vault://kv/elsewhere#key", Err("reference_unreachable")),
    ];
    let (address, server) = kv(cases.len());
    let here = world(&[
        ("VAULT_ADDR", &format!("{address}/")),
        ("VAULT_TOKEN", "hvs.token"),
        ("VAULT_NAMESPACE", "team"),
        ("http_proxy", "http://127.0.0.1:1"),
    ]);
    for (reference, want) in cases {
        let got = fetch(reference, &here).map_err(|f| f.code());
        assert_eq!(got.as_deref(), want.as_deref(), "{reference}");
    }
    let heard = server.join().unwrap();
    assert!(heard.iter().all(|h| h.contains("x-vault-token: hvs.token")
        && h.contains("x-vault-namespace: team")
        && h.contains("x-vault-request: true")));
    assert_eq!(
        fetch("vault://kv/app#key", &here).unwrap_err().code(),
        "reference_unreachable",
        "nobody listens"
    );
}

#[test]
fn the_token_goes_nowhere_in_clear() {
    let token = ("VAULT_TOKEN", "hvs.token");
    let code =
        |variables: &[(&str, &str)]| fetch("vault://kv/app#key", &world(variables)).unwrap_err().code();
    assert_eq!(code(&[token]), "reference_unset");
    assert_eq!(code(&[("VAULT_ADDR", "https://127.0.0.1:1")]), "reference_unset");
    for (address, want) in [
        ("http://vault.example:8200", "reference_denied"),
        ("http://127.0.0.1.example", "reference_denied"),
        ("http://127.0.0.1:1@vault.example", "reference_unset"),
        ("vault.example:8200", "reference_unset"),
        ("ftp://127.0.0.1", "reference_unset"),
        ("https://127.0.0.1:1", "reference_unreachable"),
    ] {
        assert_eq!(code(&[token, ("VAULT_ADDR", address)]), want, "{address}");
    }
    let bad = code(&[token, ("VAULT_ADDR", "https://127.0.0.1:1"), ("VAULT_CACERT", "/no/such/file")]);
    assert_eq!(bad, "reference_unset");
    assert_eq!(code(&[("VAULT_TOKEN", "a\r\nb"), ("VAULT_ADDR", "http://127.0.0.1:1")]), "reference_unset");
}

#[test]
fn the_token_may_lie_in_a_private_file() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(".vault-token");
    put(&file, "hvs.from-a-file\n", 0o600);
    let (address, server) = kv(2);
    let left = world(&[("VAULT_ADDR", &address), ("HOME", home.path().to_str().unwrap())]);
    let named = world(&[("VAULT_ADDR", &address), ("VAULT_TOKEN_FILE", file.to_str().unwrap())]);
    for here in [&left, &named] {
        assert_eq!(fetch("vault://kv/app#key", here).as_deref(), Ok("the value"));
    }
    assert!(server.join().unwrap().iter().all(|h| h.contains("x-vault-token: hvs.from-a-file")));
    put(&file, "hvs.from-a-file\n", 0o644);
    assert_eq!(fetch("vault://kv/app#key", &left).unwrap_err().code(), "reference_denied");
}
