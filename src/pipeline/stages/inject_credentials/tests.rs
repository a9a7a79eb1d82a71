//! The stage on its own: what is not put in although it belongs there, and why.

use super::*;
use crate::audit::Trail;
use crate::base::clock::Timestamp;
use crate::base::glob::HostPattern;
use crate::base::host::{Authority, Host};
use crate::base::secret::Secret;
use crate::broker::Minted;
use crate::config::{Config, Credential};
use crate::pipeline::access::Access;
use crate::pipeline::{Book, Client, Scheme};
use crate::vault::{Alias, Barred, Generation, Held, Providers};
use arc_swap::ArcSwap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

const KEY: &str = "sk-the-real-key-0123456789";
const USUAL: &str = "katana_usual0123456789abcdefghijklmnop";

struct Desk {
    book: Book,
    _dir: tempfile::TempDir,
}

/// What is done to a secret, and status, code and words of what follows.
type Barring = (fn(&mut Held), u16, &'static str, &'static str);

fn held(change: impl FnOnce(&mut Held)) -> Held {
    let mut held = Held::new("MINE", Secret::from(KEY), USUAL);
    change(&mut held);
    held
}

fn bind(slot: &str) -> Credential {
    Credential {
        secret: "MINE".into(),
        hosts: vec![(HostPattern::parse("api.example").unwrap(), None)],
        slot: slot.parse().unwrap(),
        methods: Vec::new(),
        paths: Vec::new(),
        account: None,
    }
}

impl Desk {
    fn new(vault: Generation) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let trail =
            Arc::new(Trail::open(&dir.path().join("audit/audit.jsonl"), &Config::default().audit).unwrap());
        let access = Arc::new(Access::new(trail.clone()));
        let vault = ArcSwap::from_pointee(vault);
        Self { book: Book { vault, trail, minted: Arc::new(Minted::default()), access }, _dir: dir }
    }

    fn with(held: Held, slot: &str) -> Self {
        let providers = Providers::builtin().unwrap();
        Self::new(Generation::build(1, vec![held], &providers, &[bind(slot)]).unwrap())
    }

    /// What becomes of a request: the header it goes out with, or the code and text of the denial.
    fn ask(
        &self,
        on: bool,
        scheme: Scheme,
        sent: Option<&str>,
    ) -> Result<String, (u16, &'static str, String)> {
        let mut request = http::Request::builder().uri("/v1/x");
        if let Some(sent) = sent {
            request = request.header("x-key", sent);
        }
        let mut head = request.body(()).unwrap().into_parts().0;
        let to = Authority { host: Host::parse("api.example").unwrap(), port: scheme.default_port() };
        let client = Client::Tcp(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let ex = self.book.open(client, to, scheme, head.method.clone(), head.uri.clone());
        let stage = InjectCredentials::new(on, 1 << 20);
        match now(stage.request(&ex, &mut head)).unwrap() {
            Verdict::Refuse(denial) => Err((denial.status, denial.code, denial.message.into_owned())),
            _ => Ok(head.headers.get("x-key").map_or("", |v| v.to_str().unwrap()).to_owned()),
        }
    }

    fn https(&self, sent: Option<&str>) -> Result<String, (u16, &'static str, String)> {
        self.ask(true, Scheme::Https, sent)
    }

    /// A whole body of JSON: what is put in, or the denial's code.
    fn body(&self, text: &str) -> Result<Vec<String>, &'static str> {
        let request =
            http::Request::builder().method("POST").uri("/v1/x").header("content-type", "application/json");
        let mut head = request.body(()).unwrap().into_parts().0;
        let to = Authority { host: Host::parse("api.example").unwrap(), port: 443 };
        let client = Client::Tcp(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let ex = self.book.open(client, to, Scheme::Https, head.method.clone(), head.uri.clone());
        let stage = InjectCredentials::new(true, 1 << 20);
        assert_eq!(now(stage.request(&ex, &mut head)).unwrap(), Verdict::Continue);
        assert_eq!(stage.body(&ex, Direction::Request), BodyNeed::Whole { limit: 1 << 20 });
        let mut chunk = Chunk::whole(text.as_bytes());
        match now(stage.chunk(&ex, Direction::Request, &mut chunk)).unwrap() {
            ChunkVerdict::Abort(denial) => Err(denial.code),
            ChunkVerdict::Forward => {
                Ok(chunk.edits.iter().map(|e| String::from_utf8(e.with.to_vec()).unwrap()).collect())
            }
        }
    }
}

fn now<T>(future: impl Future<Output = T>) -> T {
    futures_util::FutureExt::now_or_never(future).expect("it waits for nothing")
}

#[test]
fn a_placeholder_is_swapped_and_an_empty_slot_filled() {
    let desk = Desk::with(held(|_| {}), "header:x-key");
    assert_eq!(desk.https(Some(USUAL)), Ok(KEY.into()));
    assert_eq!(desk.https(None), Ok(KEY.into()));
    assert_eq!(desk.https(Some("my own")), Ok("my own".into()));
    assert_eq!(desk.https(Some(&USUAL[1..])), Ok(USUAL[1..].into()), "a part of it is none");
}

#[test]
fn in_clear_or_switched_off_nothing_goes_in() {
    let desk = Desk::with(held(|_| {}), "header:x-key");
    for (on, scheme) in [(true, Scheme::Http), (false, Scheme::Https)] {
        assert_eq!(desk.ask(on, scheme, Some(USUAL)).unwrap_err().1, "credential_not_injected");
        assert_eq!(desk.ask(on, scheme, None), Ok(String::new()));
    }
}

#[test]
fn what_is_barred_is_refused_where_it_would_go_in() {
    let cases: [Barring; 3] = [
        (
            |h| h.barred = Some(Barred::Expired(Timestamp(1_000_000))),
            403,
            "credential_expired",
            "expired at 1970-01-01",
        ),
        (|h| h.expires = Some(Timestamp(1_000_000)), 403, "credential_expired", "expired at 1970-01-01"),
        (
            |h| {
                h.value = Secret::default();
                h.barred = Some(Barred::Unresolved("no_such_variable"));
            },
            503,
            "credential_unresolved",
            "(no_such_variable)",
        ),
    ];
    for (change, status, code, told) in cases {
        let desk = Desk::with(held(change), "header:x-key");
        for sent in [Some(USUAL), None] {
            let (s, c, message) = desk.https(sent).unwrap_err();
            assert_eq!((s, c), (status, code));
            assert!(message.contains("MINE") && message.contains(told), "{message}");
        }
        assert_eq!(desk.https(Some("my own")), Ok("my own".into()), "who brings his own needs none");
    }
    let ahead =
        Desk::with(held(|h| h.expires = Some(Timestamp(Timestamp::now().0 + 3_600_000))), "header:x-key");
    assert_eq!(ahead.https(None), Ok(KEY.into()));
}

#[test]
fn other_placeholders_are_honoured_until_they_lapse() {
    let alias = |text: &str, run: Option<&str>, until: Option<Timestamp>| Alias {
        placeholder: text.into(),
        run: run.map(Into::into),
        until,
    };
    let later = Timestamp(Timestamp::now().0 + 3_600_000);
    let desk = Desk::with(
        held(|h| {
            h.aliases = vec![
                alias("katana_former-honoured-0123456789", None, Some(later)),
                alias("katana_former-lapsed-0123456789ab", None, Some(Timestamp(1))),
                alias("katana_run-alive-0123456789abcdef", Some("run-1"), None),
                alias("katana_run-ended-0123456789abcdef", Some("run-2"), Some(Timestamp(1))),
            ];
        }),
        "header:x-key",
    );
    assert_eq!(desk.https(Some("katana_former-honoured-0123456789")), Ok(KEY.into()));
    assert_eq!(desk.https(Some("katana_run-alive-0123456789abcdef")), Ok(KEY.into()));
    for (sent, told) in [
        ("katana_former-lapsed-0123456789ab", "from before it was changed"),
        ("katana_run-ended-0123456789abcdef", "from run run-2"),
    ] {
        let (status, code, message) = desk.https(Some(sent)).unwrap_err();
        assert_eq!((status, code), (403, "placeholder_lapsed"));
        assert!(message.contains(told), "{message}");
    }
}

#[test]
fn a_body_is_judged_the_same() {
    let text = |p: &str| format!(r#"{{"key":"{p}"}}"#);
    let desk = Desk::with(held(|_| {}), "json:/key");
    assert_eq!(desk.body(&text(USUAL)), Ok(vec![format!("\"{KEY}\"")]));
    assert_eq!(desk.body(&text("my own")), Ok(vec![]));
    let desk = Desk::with(held(|h| h.expires = Some(Timestamp(1))), "json:/key");
    assert_eq!(desk.body(&text(USUAL)), Err("credential_expired"));
    assert_eq!(desk.body(&text("my own")), Ok(vec![]));
}

#[test]
fn with_the_vault_locked_what_looks_like_a_placeholder_is_refused() {
    let providers = Providers::builtin().unwrap();
    let sealed =
        |slot: &str| Desk::new(Generation::sealed(1, "vault_locked", &providers, &[bind(slot)]).unwrap());
    let made = providers.placeholder("MINE").unwrap();
    let desk = sealed("header:x-key");
    let (status, code, message) = desk.https(Some(&made)).unwrap_err();
    assert_eq!((status, code), (503, "vault_locked"));
    assert!(message.contains("MINE"), "{message}");
    assert_eq!(desk.https(Some("my own")), Ok("my own".into()));
    assert_eq!(desk.https(None), Ok(String::new()));
    let desk = sealed("json:/key");
    assert_eq!(desk.body(&format!(r#"{{"key":"{made}"}}"#)), Err("vault_locked"));
    assert_eq!(desk.body(r#"{"key":"my own"}"#), Ok(vec![]));
}
