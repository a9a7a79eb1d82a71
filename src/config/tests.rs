//! Tests of the whole way: text and variables → checked values or problems.

use super::*;
use crate::base::paths::Paths;
use std::path::Path;

fn read(text: &str) -> Result<Config, Problems> {
    read_env(text, &[])
}

fn read_env(text: &str, env: &[(&str, &str)]) -> Result<Config, Problems> {
    let env = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    Config::from_text(text, Path::new("/etc/katana/config.yaml"), env)
}

/// `line:column key` of each problem.
fn places(text: &str) -> Vec<String> {
    let problems = read(text).unwrap_err();
    problems
        .0
        .iter()
        .map(|p| match &p.place {
            Place::File { at, .. } => format!("{}:{} {}", at.line, at.column, p.key),
            Place::Env(var) => format!("{var} {}", p.key),
        })
        .collect()
}

#[test]
fn five_errors_are_reported_at_once_each_in_its_place() {
    let text = "\
policy_preset: balancd
proxy:
  listen: 8443
  mdoe: strict
  limits:
    whole_body: 1MB
    timeouts: {idle: 10}
";
    assert_eq!(
        places(text),
        [
            "1:16 policy_preset",
            "3:11 proxy.listen",
            "4:3 proxy.mdoe",
            "6:17 proxy.limits.whole_body",
            "7:22 proxy.limits.timeouts.idle"
        ]
    );
    let shown = read(text).unwrap_err().to_string();
    for part in [
        "/etc/katana/config.yaml:1:16: policy_preset: `balancd` is not one of the choices",
        "did you mean `balanced`?",
        "`8443` is not an address to listen at\n    → write ADDRESS:PORT",
        "proxy.mdoe: is not a key",
        "did you mean `mode`?",
        "`1MB` is not a size",
        "has no unit",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    let json = read(text).unwrap_err().to_json();
    assert_eq!(json[2]["line"], 4);
    assert_eq!(json[2]["column"], 3);
    assert_eq!(json[0]["found"], "balancd");
}

const EVERYTHING: &str = r#"
policy_preset: max
policy_path: rules/policy.yaml
scan_inputs: false
scan_outputs: false
log_level: debug
log_format: json
proxy:
  listen: unix:/run/katana/proxy.sock
  mode: permissive
  ignore_hosts: ["*.pinned.example"]
  allowed_domains: [example.com, "*.example.com"]
  denied_domains: [evil.example]
  allow_private_destinations: [10.0.0.0/8, "::1", build.internal]
  inject_credentials: false
  scan_request_bodies: {default: false, hosts: [{host: "*.a.example", scan: true}]}
  scan_response_bodies: false
  on_secret: block
  limits:
    header_bytes: 32KiB
    header_count: 50
    whole_body: 2MiB
    decompression_ratio: 10
    connections: 7
    connections_per_client: 3
    requests_per_second: 20
    bytes_per_second: 1000
    h2_streams: 12
    timeouts: {handshake: 1s, headers: 2s, idle: 1m 40s, connect: 3s, response: 4s, drain: 0s}
  upstream:
    tls_verify: false
    extra_roots: [roots/ca.pem, /abs/ca.pem]
    resolve: ["api.example.com:443=127.0.0.1:9443"]
credentials:
  - secret: EXAMPLE_API_KEY
    hosts: [api.example.com, "*.example.net:8443"]
    slot: header:X-Token:Custom
    methods: [get]
    paths: [/v1/**]
vault: {key_source: file, passphrase_file: keys/words, key_file: keys/vault.key, keep_versions: 2, reference_ttl: 7s, reference_failure_ttl: 3s, reference_timeout: 4s}
ca: {key_protection: vault}
audit: {max_size_mb: 3, durability: sync, batch_delay: 5ms}
"#;

/// Every key with a value, dotted; lists are values.
fn leaves(value: &serde_json::Value, path: &str, out: &mut Vec<(String, serde_json::Value)>) {
    match value {
        serde_json::Value::Object(map) => {
            for (k, v) in map {
                leaves(v, &if path.is_empty() { k.clone() } else { format!("{path}.{k}") }, out);
            }
        }
        v => out.push((path.to_owned(), v.clone())),
    }
}

#[test]
fn every_key_is_read_shown_and_read_again() {
    let first = read(EVERYTHING).unwrap();
    let again = read(&first.to_yaml()).unwrap();
    assert_eq!(first.to_json(), again.to_json());
    assert_eq!(first.digest, again.digest);
    assert_ne!(first.digest, Config::default().digest);

    let (mut set, mut default) = (Vec::new(), Vec::new());
    leaves(&first.to_json(), "", &mut set);
    leaves(&Config::default().to_json(), "", &mut default);
    for (key, value) in &default {
        assert!(!set.contains(&(key.clone(), value.clone())), "the text above must change {key}");
    }
    assert_eq!(first.policy_path.as_deref(), Some(Path::new("/etc/katana/rules/policy.yaml")));
    assert_eq!(first.proxy.upstream.extra_roots[1], Path::new("/abs/ca.pem"));
    assert_eq!(first.proxy.private.nets.len(), 2);
    assert_eq!(first.credentials[0].methods, ["GET"]);
    assert_eq!(first.proxy.limits.timeouts.idle, Duration::from_secs(100));
}

#[test]
fn the_commented_file_says_what_holds() {
    assert_eq!(read(COMMENTED).unwrap().digest, Config::default().digest);
    let examples = [
        "policy_path",
        "key_file",
        "passphrase_file",
        "credentials",
        "  - secret",
        "  hosts",
        "  slot",
        "  methods",
        "  paths",
    ];
    let uncommented: String = COMMENTED
        .lines()
        .map(|line| {
            let text = line.trim_start();
            let body = text.strip_prefix('#').unwrap_or(text);
            let is_key = body.starts_with(|c: char| c.is_ascii_lowercase()) && body.contains(": ");
            let example = examples.iter().any(|e| body.trim_start().starts_with(e.trim_start()));
            if text.starts_with('#') && is_key && !example {
                line.replacen('#', "", 1)
            } else {
                line.to_owned()
            }
        })
        .fold(String::new(), |all, line| all + &line + "\n");
    assert_eq!(read(&uncommented).unwrap().digest, Config::default().digest, "{uncommented}");
    let mut keys = Vec::new();
    leaves(&read(EVERYTHING).unwrap().to_json(), "", &mut keys);
    for (key, _) in keys {
        let last = key.rsplit('.').next().unwrap();
        assert!(COMMENTED.contains(&format!("{last}:")), "{key} is not in the commented file");
    }
    let all = COMMENTED
        .lines()
        .filter_map(|l| l.strip_prefix('#'))
        .filter(|l| l.starts_with("credentials:") || l.starts_with("  - secret") || l.starts_with("    "));
    let credentials = all.collect::<Vec<_>>().join("\n");
    assert_eq!(read(&credentials).unwrap().credentials.len(), 1, "{credentials}");
}

#[test]
fn variables_win_over_the_file() {
    let c = read_env(
        "proxy: {listen: \"127.0.0.1:1\", denied_domains: [a.example]}\n",
        &[
            ("KATANA_PROXY__LISTEN", "127.0.0.1:2"),
            ("KATANA_PROXY__DENIED_DOMAINS", "b.example, c.example"),
            ("KATANA_PROXY__ALLOW_PRIVATE_DESTINATIONS", "127.0.0.1,10.0.0.0/8"),
            ("KATANA_PROXY__SCAN_RESPONSE_BODIES", "false"),
            ("KATANA_PROXY__LIMITS__TIMEOUTS__IDLE", "7s"),
            ("KATANA_PROXY__LIMITS__HEADER_BYTES", "32KiB"),
            ("KATANA_PROXY__LIMITS__CONNECTIONS", "12"),
            ("KATANA_SCAN_INPUTS", "false"),
            ("KATANA_VAULT_KEY", "c2VjcmV0"),
            ("KATANA_CONFIG", "/x"),
        ],
    )
    .unwrap();
    assert_eq!(c.proxy.listen, Listen::Tcp("127.0.0.1:2".parse().unwrap()));
    assert_eq!(c.proxy.denied_domains.len(), 2);
    assert_eq!(c.proxy.private.nets.len(), 2);
    assert!(!c.proxy.scan_response_bodies.default && !c.scan_inputs);
    assert_eq!(c.proxy.limits.timeouts.idle.as_secs(), 7);
    assert_eq!((c.proxy.limits.header_bytes, c.proxy.limits.connections), (32768, 12));
    assert!(c.warnings.is_empty(), "{:?}", c.warnings);
    assert!(c.origins.contains(&("proxy.listen".into(), "KATANA_PROXY__LISTEN".into())));
}

#[test]
fn variables_are_checked_as_strictly_as_the_file() {
    let p = read_env(
        "log_level: loud\n",
        &[
            ("KATANA_SCAN_INPUTS", "yes"),
            ("KATANA_PROXY__MODE", "maxx"),
            ("KATANA_PROXY__IGNORE_HOSTS", "a b"),
        ],
    )
    .unwrap_err();
    assert_eq!(p.0.len(), 4, "{p}");
    assert!(p.to_string().contains("KATANA_PROXY__MODE: proxy.mode: `maxx`"), "{p}");
    let odd = read_env("", &[("KATANA_LOG_LEVLE", "x"), ("KATANA_PROXY", "y"), ("KATANA_CREDENTIALS", "z")])
        .unwrap();
    assert_eq!(odd.warnings.len(), 3, "{:?}", odd.warnings);
    assert!(odd.warnings.iter().any(|w| w.contains("did you mean KATANA_LOG_LEVEL?")), "{:?}", odd.warnings);
}

#[test]
fn unknown_keys_say_where_they_belong() {
    for (text, part) in [
        ("listen: \"127.0.0.1:1\"\n", "did you mean `proxy.listen`?"),
        ("proxy: {on-secret: block}\n", "did you mean `on_secret`?"),
        ("taint_tracking: true\n", "is not in this version"),
        ("proxy: {upstream: {proxy: \"http://x\"}}\n", "is not in this version"),
        ("audit: {qqqqq: 1}\n", "known here: max_size_mb, durability, batch_delay"),
        (
            "credentials:\n  - {secret: A, hosts: [a.example], slot: \"query:k\", path: [/]}\n",
            "did you mean `paths`?",
        ),
    ] {
        let shown = read(text).unwrap_err().to_string();
        assert!(shown.contains(part), "{part}\n{shown}");
    }
}

#[test]
fn bad_values_are_refused() {
    for text in [
        "scan_inputs: yes",
        "scan_inputs: 1",
        "scan_inputs: \"true\"",
        "scan_inputs:",
        "proxy: []",
        "[]",
        "just text",
        "log_level: info\nlog_level: debug",
        "proxy: {ignore_hosts: [\"*\"]}",
        "proxy: {ignore_hosts: a.example}",
        "proxy: {ignore_hosts: [\"a.*.example\"]}",
        "proxy: {allow_private_destinations: 10.0.0.0/8}",
        "proxy: {allow_private_destinations: [10.0.0.0/33]}",
        "proxy: {scan_request_bodies: {hosts: [{host: a.example}]}}",
        "proxy: {scan_request_bodies: 3}",
        "proxy: {limits: {connections: 0}}",
        "proxy: {limits: {connections: -1}}",
        "proxy: {limits: {h2_streams: 1.5}}",
        "proxy: {limits: {timeouts: {idle: 0s}}}",
        "proxy: {upstream: {tls_verify: false}}",
        "credentials: [{secret: A, hosts: [\"*\"], slot: \"query:k\"}]",
        "credentials: [{secret: A, hosts: [], slot: \"query:k\"}]",
        "credentials: [{secret: A, slot: \"query:k\"}]",
        "credentials: [A]",
        "audit: {max_size_mb: 0}",
        "vault: {key_source: kerying}",
        "proxy:\n\tmode: strict",
        "log_level: !secret info",
    ] {
        let p = read(text).map(|c| c.to_yaml()).expect_err(text);
        assert_eq!(p.0.len(), 1, "{text}\n{p}");
    }
    assert!(read("proxy: {inject_credentials: false, upstream: {tls_verify: false}}").is_ok());
}

#[test]
fn what_may_be_a_secret_is_never_shown() {
    let text = "\
credentials:
  - secret: \"sk-live hunter2hunter2\"
    hosts: [a.example]
    slot: \"hunter2hunter2\"
vault: {key_file: 7}
";
    let p = read(text).unwrap_err();
    assert_eq!(p.0.len(), 3, "{p}");
    assert!(!p.to_string().contains("hunter2") && !p.to_json().to_string().contains("hunter2"), "{p}");
}

#[test]
fn max_blocks_whatever_else_is_written() {
    let c = read("proxy: {mode: max, on_secret: scrub}\n").unwrap();
    assert_eq!(c.proxy.on_secret, OnSecret::Block);
    assert_eq!(c.warnings.len(), 1);
    assert_eq!(read("proxy: {mode: max}\n").unwrap().warnings.len(), 0);
}

#[test]
fn a_weaker_configuration_is_told_from_a_stronger_one() {
    let default = Config::default();
    let other = read(EVERYTHING).unwrap();
    let weaker = other.weakened_from(&default);
    for part in [
        "proxy.mode lowered from strict to permissive",
        "scan_inputs turned off",
        "scan_outputs turned off",
        "proxy.upstream.tls_verify turned off",
        "proxy.scan_request_bodies turned off",
        "proxy.ignore_hosts gained *.pinned.example",
        "proxy.allow_private_destinations gained 10.0.0.0/8",
        "proxy.upstream.extra_roots gained",
    ] {
        assert!(weaker.iter().any(|w| w.contains(part)), "{part}\n{weaker:#?}");
    }
    let back = default.weakened_from(&other);
    for part in [
        "policy_preset",
        "from block to scrub",
        "denied_domains lost evil.example",
        "allowed_domains emptied",
        "sync to batch",
    ] {
        assert!(back.iter().any(|w| w.contains(part)), "{part}\n{back:#?}");
    }
    let by = |source: &str| read(&format!("vault: {{ key_source: {source} }}")).unwrap();
    assert_eq!(by("file").weakened_from(&by("kernel")).len(), 1, "the key goes where files are read");
    assert!(
        by("passphrase").weakened_from(&by("keyring")).is_empty()
            && by("env").weakened_from(&by("auto")).is_empty()
    );
    assert!(default.weakened_from(&default).is_empty() && other.weakened_from(&other).is_empty());
    let open = read("proxy: {listen: \"0.0.0.0:1\"}").unwrap();
    assert_eq!(open.weakened_from(&default), ["proxy.listen reaches beyond this machine"]);
}

#[test]
fn only_a_missing_default_file_means_defaults() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().to_path_buf();
    let paths = Paths::from_lookup(&|k| (k == "HOME").then(|| home.clone()));
    let none = || std::iter::empty::<(String, String)>();
    let c = Config::load(None, &paths, none()).unwrap();
    assert!(c.source.is_none() && c.digest == Config::default().digest);

    let gone = dir.path().join("gone.yaml");
    assert!(Config::load(Some(&gone), &paths, none()).unwrap_err().to_string().contains("gone.yaml"));
    let by_variable = [("KATANA_CONFIG".to_owned(), gone.display().to_string())];
    assert!(
        Config::load(None, &paths, by_variable.clone()).unwrap_err().to_string().contains("KATANA_CONFIG")
    );

    std::fs::create_dir_all(paths.config.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&gone, &paths.config).unwrap();
    assert!(Config::load(None, &paths, none()).is_err(), "a link that leads nowhere is no missing file");
    std::fs::write(&gone, "log_level: warn\n").unwrap();
    assert_eq!(Config::load(None, &paths, none()).unwrap().log_level, tracing::Level::WARN);
    let other = dir.path().join("other.yaml");
    std::fs::write(&other, "log_level: trace\n").unwrap();
    assert_eq!(Config::load(Some(&other), &paths, by_variable).unwrap().log_level, tracing::Level::TRACE);

    let all = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    std::fs::set_permissions(&other, all).unwrap();
    assert!(Config::load(Some(&other), &paths, none()).unwrap().warnings[0].contains("anyone"));

    std::fs::write(&other, b"log_level: \xff\n").unwrap();
    assert!(Config::load(Some(&other), &paths, none()).unwrap_err().to_string().contains("UTF-8"));
    std::fs::write(&other, vec![b'#'; 2 << 20]).unwrap();
    assert!(
        Config::load(Some(&other), &paths, none()).unwrap_err().to_string().contains("larger than 1 MiB")
    );
    assert!(Config::load(Some(dir.path()), &paths, none()).is_err(), "a directory");
}

#[test]
fn scanning_is_weaker_only_where_something_is_scanned_no_more() {
    let scan = |text: &str| read(&format!("proxy: {{scan_request_bodies: {text}}}")).unwrap();
    let off_for_a = "{default: true, hosts: [{host: a.example, scan: false}]}";
    let on_for_a = "{default: false, hosts: [{host: a.example, scan: true}]}";
    for (was, new, said) in [
        ("true", off_for_a, "off for a.example"),
        ("true", "false", "turned off"),
        ("true", on_for_a, "turned off"),
        (on_for_a, "false", "no longer on for a.example"),
        ("false", off_for_a, ""),
        (on_for_a, "true", ""),
        (off_for_a, "true", ""),
    ] {
        let weaker = scan(new).weakened_from(&scan(was));
        assert_eq!(weaker.len(), usize::from(!said.is_empty()), "{was} → {new}: {weaker:?}");
        assert!(weaker.iter().all(|w| w.ends_with(said)), "{was} → {new}: {weaker:?}");
    }
}
