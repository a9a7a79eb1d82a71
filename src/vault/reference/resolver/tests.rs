//! What is kept of answers and for how long, with a clock and backends that the test holds.
use super::*;
use crate::vault::reference::BARRED;
use std::collections::BTreeMap;
use std::ffi::OsString;

/// Variables that the test changes, and a resolver that sees them.
struct Bench {
    variables: Arc<Mutex<BTreeMap<String, String>>>,
    resolver: Resolver,
    start: Instant,
}

const TTL: Duration = Duration::from_secs(100);
const FAILURE: Duration = Duration::from_secs(10);

impl Bench {
    fn new() -> Self {
        let variables: Arc<Mutex<BTreeMap<String, String>>> = Arc::default();
        let seen = variables.clone();
        let world = World::of(move |name| seen.lock().get(name).map(OsString::from));
        let settings = Settings { ttl: TTL, failure_ttl: FAILURE, timeout: Duration::from_secs(30) };
        Self { variables, resolver: Resolver::new(settings, world), start: Instant::now() }
    }

    fn set(&self, name: &str, value: &str) {
        self.variables.lock().insert(name.into(), value.into());
    }

    fn unset(&self, name: &str) {
        self.variables.lock().remove(name);
    }

    fn at(&self, seconds: u64) -> Instant {
        self.start + Duration::from_secs(seconds)
    }

    fn refresh(&self, seconds: u64) -> bool {
        self.resolver.refresh_at(|| self.at(seconds))
    }

    fn fill(&self, seconds: u64, names: &[&str]) -> Vec<Held> {
        let mut held: Vec<Held> = names.iter().map(|n| by(n, &format!("env:{n}"))).collect();
        self.resolver.fill_at(&mut held, self.at(seconds));
        held
    }

    /// Value and bar of one entry by the variable `A`.
    fn one(&self, seconds: u64) -> (String, Option<Barred>) {
        let held = self.fill(seconds, &["A"]).remove(0);
        (String::from_utf8(held.value.expose().to_vec()).unwrap(), held.barred)
    }
}

fn by(name: &str, reference: &str) -> Held {
    let mut held = Held::new(name, Secret::default(), "placeholder");
    held.reference = Some(Secret::from(reference));
    held.barred = Some(BARRED);
    held
}

const UNSET: Option<Barred> = Some(Barred::Unresolved("reference_unset"));

#[test]
fn nobody_is_asked_by_who_only_reads() {
    let bench = Bench::new();
    bench.set("A", "first-value");
    let pending = (String::new(), Some(Barred::Unresolved("reference_pending")));
    assert_eq!(bench.one(0), pending);
    assert_eq!(bench.one(1), pending);
    assert!(bench.refresh(2));
    assert_eq!(bench.one(2), ("first-value".into(), None));
    assert!(!bench.refresh(3), "nothing new");
}

#[test]
fn a_value_is_renewed_before_it_runs_out_and_a_failure_in_between_goes_unnoticed() {
    let bench = Bench::new();
    bench.set("A", "first-value");
    bench.one(0);
    bench.refresh(0);
    bench.one(0);
    bench.set("A", "second-value");
    assert!(!bench.refresh(74), "it is good for a while");
    bench.unset("A");
    assert!(!bench.refresh(75), "it failed, and what is known still holds");
    assert_eq!(bench.one(75), ("first-value".into(), None));
    bench.set("A", "second-value");
    assert!(!bench.refresh(84), "a backend that failed is left alone");
    assert!(bench.refresh(85));
    assert_eq!(bench.one(85).0, "second-value");
    let held = bench.fill(86, &["A"]).remove(0);
    assert_eq!(held.older, [Secret::from("first-value")], "what it was is still looked for");
}

#[test]
fn what_runs_out_is_barred_looked_for_and_comes_back() {
    let bench = Bench::new();
    bench.set("A", "first-value");
    bench.set("B", "another-value");
    bench.fill(0, &["A", "B"]);
    bench.refresh(0);
    bench.fill(0, &["A", "B"]);
    bench.unset("A");
    bench.refresh(80);
    assert!(bench.refresh(100), "its time is up");
    let held = bench.fill(100, &["A", "B"]);
    assert_eq!((held[0].value.is_empty(), held[0].barred), (true, UNSET));
    assert_eq!(held[0].older, [Secret::from("first-value")]);
    assert_eq!(
        (held[1].value.expose(), held[1].barred),
        (&b"another-value"[..], None),
        "others are unaffected"
    );
    assert!(!bench.refresh(101), "said once");
    bench.set("A", "first-value");
    assert!(bench.refresh(115));
    assert_eq!(bench.one(115), ("first-value".into(), None));
}

#[test]
fn who_cannot_fill_now_is_told_once() {
    let bench = Bench::new();
    bench.set("A", "first-value");
    bench.one(0);
    assert!(bench.refresh(0));
    assert!(!bench.refresh(1));
    assert_eq!(bench.one(1).0, "first-value");
}

#[test]
fn what_bars_it_otherwise_bars_it_still() {
    let bench = Bench::new();
    bench.set("A", "first-value");
    let expired = Some(Barred::Expired(crate::base::clock::Timestamp(1)));
    let fill = |seconds| {
        let mut held = [by("A", "env:A")];
        held[0].barred = expired;
        bench.resolver.fill_at(&mut held, bench.at(seconds));
        (held[0].value.expose().to_vec(), held[0].barred)
    };
    assert_eq!(fill(0), (Vec::new(), expired));
    bench.refresh(0);
    assert_eq!(fill(0), (b"first-value".to_vec(), expired), "barred, and known so that it is found");
}

#[test]
fn what_no_entry_can_have_is_no_value() {
    let bench = Bench::new();
    bench.set("A", "two\nlines");
    bench.one(0);
    bench.refresh(0);
    assert_eq!(bench.one(0).1, Some(Barred::Unresolved("reference_value")));
    let mut held = [by("A", "env:A")];
    held[0].document = true;
    bench.resolver.fill_at(&mut held, bench.at(0));
    assert_eq!((held[0].value.expose(), held[0].barred), (&b"two\nlines"[..], None), "a document can");
    assert_eq!(bench.resolver.ask(&"env:A".into(), false).unwrap_err().code(), "reference_value");
    assert_eq!(bench.resolver.ask(&"env:A".into(), true).unwrap(), Secret::from("two\nlines"));
    assert_eq!(bench.resolver.ask(&"nonsense".into(), true).unwrap_err().code(), "reference_invalid");
}

#[test]
fn what_is_not_named_any_more_is_forgotten() {
    let bench = Bench::new();
    bench.set("A", "first-value");
    bench.one(0);
    bench.refresh(0);
    bench.one(0);
    bench.fill(1, &[]);
    assert_eq!(bench.one(2).1, Some(Barred::Unresolved("reference_pending")));
}

#[test]
fn many_backends_are_asked_side_by_side() {
    let bench = Bench::new();
    let names: Vec<String> = (0..20).map(|n| format!("N{n}")).collect();
    for name in &names {
        bench.set(name, &format!("value-of-{name}"));
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    bench.fill(0, &names);
    assert!(bench.refresh(0));
    assert!(bench.fill(0, &names).iter().all(|h| h.barred.is_none() && !h.value.is_empty()));
}
