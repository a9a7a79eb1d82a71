//! Many processes at once: no write is lost, nobody starves, and no reader ever sees an error.

use super::{get, verified};
use crate::cli::said;
use crate::support::katana;
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn sixty_sets_of_six_processes_are_sixty_entries_and_fifty_readers_see_no_error() {
    let home = katana().home();
    super::set(&home, "FIRST", "first-Zq7mN2xK9vLp");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..6)
            .map(|writer| {
                let home = &home;
                scope.spawn(move || {
                    for n in 0..10 {
                        super::set(home, &format!("W{writer}_{n}"), &format!("value-{writer}-{n}-Zq7mN2"));
                    }
                })
            })
            .collect();
        // a master key that changes meanwhile is nothing to anybody
        let rotator = scope.spawn(|| {
            for _ in 0..3 {
                let out = home.katana(&["vault", "rotate", "-q"]);
                assert_eq!(out.status.code(), Some(0), "{}", said(&out));
            }
        });
        for reader in 0..50 {
            let (home, done) = (&home, &done);
            scope.spawn(move || {
                let mut looks = 0;
                while looks < 2 || !done.load(Ordering::Relaxed) {
                    let args: &[&str] = match (reader + looks) % 3 {
                        0 => &["vault", "list", "-q"],
                        1 => &["vault", "get", "FIRST"],
                        _ => &["vault", "verify"],
                    };
                    let out = home.katana(args);
                    assert_eq!(out.status.code(), Some(0), "{args:?}: {}", said(&out));
                    looks += 1;
                }
            });
        }
        let ended = writers.into_iter().chain([rotator]).map(|w| w.join().is_ok()).collect::<Vec<_>>();
        done.store(true, Ordering::Relaxed);
        assert!(ended.iter().all(|ok| *ok), "a writer failed");
    });
    assert_eq!(verified(&home)["entries"], 61);
    assert_eq!(verified(&home)["generation"], 64, "one write each");
    for writer in 0..6 {
        assert_eq!(get(&home, &format!("W{writer}_9")), format!("value-{writer}-9-Zq7mN2"));
    }
}
