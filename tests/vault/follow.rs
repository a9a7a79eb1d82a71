//! A running proxy follows the vault without a restart and without dropping a request.

use crate::support::katana::Home;
use crate::support::{Ask, Client, Katana, Proto, block_on, katana, origin, until};
use serde_json::json;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const VALUE: &str = "Wm3kP8vQ1nR6tY4sX9bD";
const NEXT: &str = "Hs7dK2mB5zL9cV4jF8wE";

fn ran(home: &Home, args: &[&str], stdin: &str) {
    let out = home.katana_in(args, stdin);
    assert_eq!(out.status.code(), Some(0), "{args:?}: {}", crate::cli::said(&out));
}

/// What a request with the placeholder comes to: its status, and the credential that arrived.
fn asked(katana: &Katana, origin: &crate::support::Origin, placeholder: &str) -> (u16, Option<String>) {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let path = format!("/asked/{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let ask = || {
        block_on(async {
            let client = Client::new(katana);
            match client.connect("origin.test:443").await {
                Ok(_) => {
                    let ask = Ask::get(&path).header("authorization", format!("Bearer {placeholder}"));
                    client.once("origin.test", ask).await.status.as_u16()
                }
                Err((status, _)) => status,
            }
        })
    };
    let status = std::thread::scope(|s| s.spawn(ask).join().unwrap());
    let arrived = (status == 404).then(|| {
        let got = origin.take(&path);
        got.headers
            .iter()
            .find(|(n, _)| n == "authorization")
            .map(|(_, v)| String::from_utf8(v.clone()).unwrap())
    });
    (status, arrived.flatten())
}

#[test]
fn set_rotate_lock_unlock_and_remove_are_followed() {
    let origin = origin().start();
    let credentials = json!({"credentials": [
        {"secret": "MY_SECRET", "hosts": ["origin.test"], "slot": "header:Authorization:Bearer"}
    ]});
    let katana = katana().origin(&origin).config(credentials).secret("MY_SECRET", VALUE).start();
    let home = &katana.home;
    let placeholder = katana.placeholder("MY_SECRET");
    let gets = |want: &str| {
        until(&format!("{want} to arrive"), || {
            (asked(&katana, &origin, &placeholder).1? == format!("Bearer {want}")).then_some(())
        });
    };
    gets(VALUE);
    ran(home, &["vault", "rotate", "MY_SECRET"], NEXT);
    gets(NEXT);
    ran(home, &["vault", "rotate"], "");
    gets(NEXT);
    ran(home, &["vault", "lock", "--reason", "a test"], "");
    until("503 while it is locked", || (asked(&katana, &origin, &placeholder).0 == 503).then_some(()));
    ran(home, &["vault", "unlock"], "");
    gets(NEXT);
    ran(home, &["vault", "set", "MY_SECRET", "--keep", "--expires", "1s"], "");
    until("a denial of what has expired", || (asked(&katana, &origin, &placeholder).0 == 403).then_some(()));
    ran(home, &["vault", "set", "MY_SECRET", "--keep", "--expires", "never"], "");
    gets(NEXT);
    ran(home, &["vault", "remove", "MY_SECRET"], "");
    until("no credential any more", || match asked(&katana, &origin, &placeholder) {
        (404, Some(auth)) => (auth == format!("Bearer {placeholder}")).then_some(()),
        (status, _) => (status == 403).then_some(()),
    });
    katana.never_tells(NEXT);
    katana.verify_audit();
}

#[test]
fn a_steady_stream_of_requests_does_not_notice_changes() {
    let origin = origin().start();
    let katana = katana().origin(&origin).secret("MY_SECRET", VALUE).start();
    let (stop, served) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for proto in [Proto::H1, Proto::H2] {
            let (katana, stop, served) = (&katana, &stop, &served);
            scope.spawn(move || {
                block_on(async {
                    let mut session = Client::new(katana).open("origin.test", proto).await;
                    while !stop.load(Ordering::Relaxed) {
                        assert_eq!(session.ask(Ask::get("/steady")).await.status, 404);
                        served.fetch_add(1, Ordering::Relaxed);
                    }
                });
            });
        }
        let changes = || {
            for n in 0..6 {
                let before = served.load(Ordering::Relaxed);
                ran(&katana.home, &["vault", "set", &format!("MORE_{n}")], &format!("{NEXT}{n}"));
                ran(&katana.home, &["vault", "rotate"], "");
                ran(&katana.home, &["vault", "remove", &format!("MORE_{n}")], "");
                until("more requests", || (served.load(Ordering::Relaxed) > before + 20).then_some(()));
            }
        };
        // the streams end also when this fails, or the test would hang
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(changes));
        stop.store(true, Ordering::Relaxed);
        assert!(done.is_ok());
    });
    assert_eq!(origin.received().len(), served.load(Ordering::Relaxed), "each was answered once");
}
