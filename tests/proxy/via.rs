//! The loop guard: katana knows its own requests again, and tells nobody who it is.

use crate::support::{Ask, Client, Katana, Origin, Proto, block_on, header, katana, origin};

fn first_via(origin: &Origin, katana: &Katana) -> String {
    block_on(async {
        let answer = Client::new(katana).once("origin.test", Ask::get("/first")).await;
        assert_eq!(header(&answer.headers, "via"), "", "answers are untouched");
    });
    origin.take("/first").header("via")
}

#[test]
fn a_request_that_comes_round_again_is_refused() {
    let origin = origin().start();
    let katana = katana().origin(&origin).start();
    let via = first_via(&origin, &katana);
    assert!(!via.is_empty(), "katana marks what it forwards");
    block_on(async {
        for proto in [Proto::H1, Proto::H2] {
            for value in [via.clone(), format!("1.1 someone, {via}"), format!("{via}, 1.1 other")] {
                let mut session = Client::new(&katana).open("origin.test", proto).await;
                let answer = session.ask(Ask::get("/again").header("via", value)).await;
                let status = answer.status.as_u16();
                assert!(matches!(status, 403 | 502 | 508), "{status}");
                answer.denied(status);
            }
            let mut session = Client::new(&katana).open("origin.test", proto).await;
            assert_eq!(session.ask(Ask::get("/others").header("via", "1.1 someone")).await.status, 404);
        }
    });
    assert!(origin.received().iter().all(|r| r.target != "/again"));
}

#[test]
fn the_mark_says_nothing_about_katana_or_its_machine() {
    let origin = origin().start();
    let (one, two) = (katana().origin(&origin).start(), katana().origin(&origin).start());
    let (a, b) = (first_via(&origin, &one), first_via(&origin, &two));
    assert_ne!(a, b, "two katanas do not take each other for themselves");
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    for mark in [a, b] {
        let told = mark.to_lowercase();
        assert!(!told.contains("katana") && !told.contains("hermes"), "{mark}");
        assert!(machine.trim().is_empty() || !told.contains(machine.trim()), "{mark}");
        assert!(!told.contains("127.0.0.1"), "{mark}");
    }
}
