//! Which binding counts: who said it, in which order, for which host, port, method and path.

use super::*;
use crate::base::secret::Secret;

fn host(text: &str) -> Host {
    Host::parse(text).unwrap()
}

fn credential(secret: &str, hosts: &[(&str, Option<u16>)], methods: &[&str], paths: &[&str]) -> Credential {
    Credential {
        secret: secret.into(),
        hosts: hosts.iter().map(|(h, p)| (HostPattern::parse(h).unwrap(), *p)).collect(),
        slot: Slot::Query { name: "key".into() },
        methods: methods.iter().map(|m| (*m).to_owned()).collect(),
        paths: paths.iter().map(|p| Glob::new(p)).collect(),
        account: None,
    }
}

fn bindings(credentials: &[Credential]) -> Bindings {
    let held = |name: &str| Held::new(name, Secret::from("value-value"), "placeholder");
    let held = [held("MINE"), held("OPENAI_API_KEY"), held("OTHER")];
    Bindings::build(&held, &Providers::builtin().unwrap(), credentials)
}

fn secret<'a>(b: &'a Bindings, at: &str, port: u16, method: &str, path: &str) -> Option<&'a str> {
    b.all(&host(at), port, method, path).first().map(|b| &*b.secret)
}

#[test]
fn built_ins_bind_their_hosts_on_443_only() {
    let b = bindings(&[]);
    let found = b.all(&host("API.OpenAI.com."), 443, "POST", "/v1/chat")[0];
    assert_eq!((&*found.secret, found.held, &*found.provider), ("OPENAI_API_KEY", Some(1), "openai"));
    assert_eq!(b.all(&host("api.groq.com"), 443, "GET", "/")[0].held, None, "not in the vault");
    for (at, port) in [
        ("api.openai.com", 80),
        ("api.openai.com", 8443),
        ("openai.com", 443),
        ("x.api.openai.com", 443),
        ("api.openai.com.evil.org", 443),
        ("xapi.openai.com", 443),
        ("127.0.0.1", 443),
    ] {
        assert_eq!(secret(&b, at, port, "GET", "/"), None, "{at}:{port}");
        assert!(!b.knows(&host(at), port), "{at}:{port}");
    }
}

#[test]
fn regional_endpoints() {
    let b = bindings(&[]);
    for (at, bound) in [
        ("us-central1-aiplatform.googleapis.com", true),
        ("aiplatform.googleapis.com", true),
        ("-aiplatform.googleapis.com", false),
        ("us-aiplatform.googleapis.com.evil.org", false),
        ("evil.us-aiplatform.googleapis.com", false),
        ("aiplatform.googleapis.com.evil-aiplatform.org", false),
        ("storage.googleapis.com", false),
    ] {
        assert_eq!(b.knows(&host(at), 443), bound, "{at}");
    }
}

#[test]
fn the_configuration_wins_and_takes_the_host_over() {
    let b = bindings(&[
        credential("MINE", &[("api.openai.com", None)], &["POST"], &["/v1/**"]),
        credential("OTHER", &[("api.openai.com", Some(443)), ("*.openai.com", Some(9))], &[], &["/o/*"]),
    ]);
    assert_eq!(secret(&b, "api.openai.com", 443, "POST", "/v1/a/b"), Some("MINE"));
    assert_eq!(secret(&b, "api.openai.com", 8443, "POST", "/v1/a"), Some("MINE"), "any port");
    assert_eq!(secret(&b, "api.openai.com", 443, "GET", "/o/x"), Some("OTHER"));
    assert_eq!(secret(&b, "api.openai.com", 443, "GET", "/v1/a"), None, "no built-in behind a restriction");
    assert_eq!(secret(&b, "api.openai.com", 9, "GET", "/o/x"), Some("OTHER"), "a suffix pattern");
    assert!(b.knows(&host("api.openai.com"), 443) && b.knows(&host("z.openai.com"), 9));
    assert!(!b.knows(&host("z.openai.com"), 443) && !b.knows(&host("openai.com"), 9));
    assert_eq!(secret(&b, "api.anthropic.com", 443, "GET", "/"), Some("ANTHROPIC_API_KEY"));
}

#[test]
fn a_port_of_its_own_leaves_the_built_in_alone() {
    let b = bindings(&[credential("MINE", &[("api.openai.com", Some(8443))], &[], &[])]);
    assert_eq!(secret(&b, "api.openai.com", 443, "GET", "/"), Some("OPENAI_API_KEY"));
    assert_eq!(secret(&b, "api.openai.com", 8443, "GET", "/"), Some("MINE"));
}

#[test]
fn the_order_of_the_file_decides_not_the_kind_of_pattern() {
    let any = || credential("OTHER", &[("*", None)], &[], &[]);
    let exact = || credential("MINE", &[("a.example", None), ("127.0.0.1", None)], &[], &[]);
    let first = bindings(&[any(), exact()]);
    assert_eq!(secret(&first, "a.example", 1, "GET", "/"), Some("OTHER"));
    let last = bindings(&[exact(), any()]);
    assert_eq!(secret(&last, "a.example", 1, "GET", "/"), Some("MINE"));
    assert_eq!(secret(&last, "[::ffff:127.0.0.1]", 1, "GET", "/"), Some("MINE"));
    assert_eq!(secret(&last, "b.example", 1, "GET", "/"), Some("OTHER"));
    let both: Vec<&str> = last.all(&host("a.example"), 1, "GET", "/").iter().map(|b| &*b.secret).collect();
    assert_eq!(both, ["MINE", "OTHER"], "the second secret of a host has its slot too");
}

#[test]
fn hosts_for_people() {
    let b = bindings(&[credential("MINE", &[("*.example.com", None), ("x.com", Some(8))], &[], &[])]);
    assert_eq!(b.hosts("MINE"), ["*.example.com", "x.com:8"]);
    assert_eq!(b.hosts("COHERE_API_KEY"), ["api.cohere.ai:443", "api.cohere.com:443"]);
}

#[test]
fn what_an_entry_says_itself_comes_first_and_keeps_it_from_the_built_ins() {
    let mut held =
        ["MINE", "OPENAI_API_KEY", "GITHUB_TOKEN"].map(|n| Held::new(n, Secret::from("value-value"), "p"));
    held[0].goes = Some(credential("MINE", &[("api.example", None)], &["GET"], &[]));
    held[2].goes = Some(credential("GITHUB_TOKEN", &[("github.corp.example", None)], &[], &[]));
    let config = [credential("OPENAI_API_KEY", &[("api.example", None)], &[], &[])];
    let b = Bindings::build(&held, &Providers::builtin().unwrap(), &config);
    let said: Vec<_> = b
        .all(&host("api.example"), 443, "GET", "/")
        .iter()
        .map(|b| (&*b.secret, &*b.provider, b.held))
        .collect();
    assert_eq!(said, [("MINE", "vault", Some(0)), ("OPENAI_API_KEY", "config", Some(1))]);
    assert_eq!(secret(&b, "api.example", 443, "POST", "/"), Some("OPENAI_API_KEY"));
    assert_eq!(secret(&b, "github.corp.example", 443, "GET", "/"), Some("GITHUB_TOKEN"));
    let github = b.all(&host("api.github.com"), 443, "GET", "/user");
    assert!(github.iter().all(|b| &*b.secret != "GITHUB_TOKEN" && b.held.is_none()), "set for another host");
}

#[test]
fn a_document_goes_nowhere_itself() {
    let mut held = [Held::new("MINE", Secret::from("value-value"), "p")];
    held[0].document = true;
    let config = [credential("MINE", &[("api.example", None)], &[], &[])];
    let b = Bindings::build(&held, &Providers::builtin().unwrap(), &config);
    assert_eq!(b.all(&host("api.example"), 1, "GET", "/")[0].held, None);
    assert!(b.held_on(&host("api.example"), 1).is_empty());
}

#[test]
fn only_what_can_be_made_is_filled() {
    let mut mine = credential("MINE", &[("api.example", None)], &[], &[]);
    let mut fills = |slot: &str| {
        mine.slot = slot.parse().unwrap();
        bindings(std::slice::from_ref(&mine)).all(&host("api.example"), 1, "GET", "/")[0].fill
    };
    for (slot, want) in [
        ("header:x", true),
        ("basic:u", true),
        ("basic-user:", true),
        ("query:k", true),
        ("cookie:k", true),
        ("form:k", false),
        ("json:/k", false),
        ("path:/a/{}", false),
    ] {
        assert_eq!(fills(slot), want, "{slot}");
    }
}
