//! The trail as a whole: chain, crash, rotation, other processes, full disk, tampering.

use super::query::{Filter, Follow, newest, stats};
use super::store::{Store, rotated};
use super::*;
use crate::base::clock::Timestamp;
use crate::base::host::Host;
use crate::base::id::ExchangeId;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const LARGE: u64 = 1 << 30;

fn place() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit/audit.jsonl");
    (dir, path)
}

fn open(path: &Path, max: u64) -> Trail {
    Trail::start(Store::open(path, max).unwrap(), false, Duration::from_millis(20)).unwrap()
}

fn record(n: u64) -> Record {
    let mut r = Record::new(Event::ProxyRequest, Timestamp(1_700_000_000_000 + i64::try_from(n).unwrap()));
    r.exchange = Some(ExchangeId::next());
    r.method = Some("POST".into());
    r.host =
        Some(Host::parse(if n.is_multiple_of(2) { "api.example.com" } else { "notexample.com" }).unwrap());
    r.path = Some(redact_path("/v1/chat?key=hunter2"));
    r.decision = Some(if n.is_multiple_of(3) { Decision::Deny } else { Decision::Allow });
    r.bytes_in = Some(n);
    r
}

fn fill(path: &Path, n: u64) {
    let trail = open(path, LARGE);
    (0..n).for_each(|i| drop(trail.append(record(i)).unwrap()));
}

#[test]
fn records_are_chained_private_and_readable() {
    let (_dir, path) = place();
    let trail = open(&path, LARGE);
    (0..10).for_each(|i| drop(trail.append(record(i)).unwrap()));
    trail.flush().unwrap();
    let head = trail.head();
    assert_eq!((head.records, head.segments), (10, 1));
    drop(trail);
    assert_eq!(verify(&path).unwrap(), head);
    let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    for ext in ["jsonl", "head", "key", "lock"] {
        assert_eq!(mode(&path.with_extension(ext)), 0o600, "{ext}");
    }
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains("hunter2") && text.contains("/v1/chat?key=…"));
    assert!(text.lines().next().unwrap().contains(&format!("\"prev_hash\":\"{GENESIS}\"")));
}

#[test]
fn nothing_written_yet_is_a_whole_trail() {
    let (_dir, path) = place();
    let nothing = Head { segments: 1, records: 0, hash: GENESIS.into(), torn: 0 };
    assert_eq!(verify(&path).unwrap(), nothing);
    drop(open(&path, LARGE));
    assert_eq!(verify(&path).unwrap(), nothing);
}

#[test]
fn any_changed_byte_is_found() {
    let (_dir, path) = place();
    fill(&path, 6);
    let good = fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, &bad).unwrap();
        let broken = verify(&path).expect_err(&format!("byte {at} changed unseen"));
        let line = 1 + good[..at].iter().filter(|b| **b == b'\n').count() as u64;
        let near = broken.line == line || broken.line == line + 1 || broken.line == 0;
        assert!(near, "byte {at} in line {line}: {broken}");
    }
    fs::write(&path, &good).unwrap();
    verify(&path).unwrap();
}

#[test]
fn what_is_wrong_is_named() {
    let (_dir, path) = place();
    fill(&path, 6);
    let good = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = good.lines().collect();
    let check = |lines: &[&str], line: u64, want: &dyn Fn(&Reason) -> bool| {
        fs::write(&path, lines.iter().map(|l| format!("{l}\n")).collect::<String>()).unwrap();
        let broken = verify(&path).unwrap_err();
        assert!(broken.line == line && want(&broken.reason), "{broken}");
    };
    let changed = lines[2].replace("POST", "GET");
    check(&[lines[0], lines[1], &changed, lines[3]], 3, &|r| *r == Reason::Hash);
    check(&[lines[0], lines[2]], 2, &|r| *r == Reason::Link);
    check(&[lines[1], lines[0]], 1, &|r| *r == Reason::Link);
    check(&[lines[0], "{}"], 2, &|r| matches!(r, Reason::NotARecord(_)));
    check(&lines[..4], 5, &|r| *r == Reason::Tail { head: 6, found: 4 });
    check(&[], 1, &|r| *r == Reason::Tail { head: 6, found: 0 });
    let twice = lines[0].replacen('{', "{\"method\":\"GET\",", 1);
    check(&[&twice, lines[1]], 1, &|r| matches!(r, Reason::NotARecord(_)));
    fs::write(&path, &good).unwrap();
    fs::remove_file(path.with_extension("head")).unwrap();
    assert!(matches!(verify(&path).unwrap_err().reason, Reason::NoHead(_)));
}

#[test]
fn a_rewritten_chain_does_not_pass_the_head() {
    let (_dir, path) = place();
    fill(&path, 3);
    let mut forged = Vec::new();
    let mut hash = store::genesis();
    for n in 10..13 {
        hash = canonical::line(&record(n), &hash, &mut forged);
    }
    fs::write(&path, forged).unwrap();
    assert_eq!(verify(&path).unwrap_err().reason, Reason::Head);
}

#[test]
fn no_later_write_launders_a_cut_tail() {
    for (cut, take_head) in [(2, false), (0, true)] {
        let (_dir, path) = place();
        fill(&path, 6);
        let text = fs::read_to_string(&path).unwrap();
        let kept: String = text.lines().take(6 - cut).map(|l| format!("{l}\n")).collect();
        fs::write(&path, kept).unwrap();
        if take_head {
            fs::remove_file(path.with_extension("head")).unwrap();
            fs::remove_file(path.with_extension("key")).unwrap();
        }
        fill(&path, 20);
        let broken = verify(&path).unwrap_err();
        assert_eq!((broken.reason, broken.line), (Reason::Link, 7 - cut as u64));
        let told = newest(&path, &Filter::default(), 100).unwrap();
        assert!(told.iter().any(|r| r["code"] == "audit_chain_broken"));
    }
}

#[test]
fn a_torn_last_line_is_told_then_recovered_and_recorded() {
    let (_dir, path) = place();
    fill(&path, 3);
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"{\"bytes_in\":12,\"cli").unwrap();
    let head = verify(&path).unwrap();
    assert_eq!((head.records, head.torn), (3, 19));
    drop(open(&path, LARGE));
    let head = verify(&path).unwrap();
    assert_eq!((head.records, head.torn), (4, 0));
    let last = newest(&path, &Filter::default(), 1).unwrap().remove(0);
    assert_eq!(last["code"], "audit_torn_tail");
    assert!(last["reasons"][0].as_str().unwrap().starts_with("19 bytes"));
    // half of a record that the head knows is no torn tail
    let text = fs::read(&path).unwrap();
    fs::write(&path, &text[..text.len() - 30]).unwrap();
    assert_eq!(verify(&path).unwrap_err().reason, Reason::Tail { head: 4, found: 3 });
}

#[test]
fn a_head_that_lags_behind_is_no_alarm() {
    let (_dir, path) = place();
    fill(&path, 3);
    let old = fs::read(path.with_extension("head")).unwrap();
    fill(&path, 3);
    fs::write(path.with_extension("head"), old).unwrap();
    assert_eq!(verify(&path).unwrap().records, 6);
    fill(&path, 3);
    assert_eq!(verify(&path).unwrap().records, 9);
}

#[test]
fn rotation_keeps_the_chain_and_every_record() {
    let (_dir, path) = place();
    let trail = open(&path, 2000);
    (0..100).for_each(|i| drop(trail.append(record(i)).unwrap()));
    drop(trail);
    let segments = rotated(&path).unwrap();
    assert!(segments.len() > 10);
    // a fresh process goes on where the old one stopped, at an empty segment too
    for i in 100..140 {
        let trail = open(&path, 2000);
        trail.append(record(i)).unwrap();
    }
    let head = verify(&path).unwrap();
    assert_eq!(head.records, 140);
    assert_eq!(head.segments, rotated(&path).unwrap().len() as u64 + 1);
    let all = newest(&path, &Filter::default(), 1000).unwrap();
    let numbers: Vec<u64> = all.iter().map(|r| r["bytes_in"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..140).collect::<Vec<_>>());
    assert_eq!(newest(&path, &Filter::default(), 7).unwrap(), all[133..]);
    // a crash between rename and the head's write: the head still names the old segment
    let (_, gone) = &segments[4];
    fs::remove_file(gone).unwrap();
    assert!(matches!(verify(&path).unwrap_err().reason, Reason::Segment { missing: 1.. }));
}

#[test]
fn a_crash_right_after_the_rename_goes_on_in_order() {
    let (_dir, path) = place();
    fill(&path, 5);
    fs::rename(&path, path.with_file_name("audit.000000000000.jsonl")).unwrap();
    assert_eq!(verify(&path).unwrap().records, 5);
    fill(&path, 5);
    let head = verify(&path).unwrap();
    assert_eq!((head.records, head.segments), (10, 2));
}

#[test]
fn six_writers_share_one_trail() {
    let (_dir, path) = place();
    std::thread::scope(|s| {
        for w in 0..6 {
            let path = &path;
            s.spawn(move || {
                let trail = open(path, 20_000);
                for i in 0..200 {
                    trail.append(record(w * 200 + i)).unwrap();
                    if i % 40 == 0 {
                        trail.flush().unwrap();
                    }
                }
            });
        }
    });
    let head = verify(&path).unwrap();
    assert_eq!(head.records, 1200);
    assert!(head.segments > 5);
    let mut seen: Vec<u64> = newest(&path, &Filter::default(), 2000)
        .unwrap()
        .iter()
        .map(|r| r["bytes_in"].as_u64().unwrap())
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..1200).collect::<Vec<_>>());
}

/// A disk that takes half of what it is given and then says that it is full, while `full` stands.
fn filling(path: &Path, full: &Arc<AtomicBool>) -> Store {
    let full = Arc::clone(full);
    Store::open(path, LARGE).unwrap().with_append(Box::new(move |file, bytes| {
        if full.load(Ordering::SeqCst) {
            file.write_all(&bytes[..bytes.len() / 2])?;
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        file.write_all(bytes)
    }))
}

#[test]
fn a_full_disk_is_said_and_survived() {
    let (_dir, path) = place();
    let full = Arc::new(AtomicBool::new(false));
    let trail = Trail::start(filling(&path, &full), false, Duration::from_millis(20)).unwrap();
    trail.append(record(0)).unwrap();
    trail.flush().unwrap();
    full.store(true, Ordering::SeqCst);
    trail.append(record(1)).unwrap();
    assert_eq!(trail.flush().unwrap_err().code(), "audit_unwritable");
    assert!(!trail.healthy());
    assert_eq!(trail.append(record(2)).unwrap_err().code(), "audit_unwritable");
    assert_eq!(verify(&path).unwrap().records, 1, "no half record is left behind");
    let kept = 20_000;
    (3..kept).for_each(|i| drop(trail.append(record(i)).unwrap_err()));
    full.store(false, Ordering::SeqCst);
    trail.flush().unwrap();
    assert!(trail.healthy());
    trail.append(record(kept)).unwrap();
    drop(trail);
    let head = verify(&path).unwrap();
    let all = newest(&path, &Filter::default(), 30_000).unwrap();
    let gaps: Vec<_> = all.iter().filter(|r| r["code"] == "audit_gap").collect();
    assert_eq!(gaps.len(), 1);
    let lost: u64 = gaps[0]["reasons"][0].as_str().unwrap().split(' ').next().unwrap().parse().unwrap();
    assert_eq!(head.records - 1 + lost, kept + 1, "each record is written or counted as lost");
    assert!(lost > 0 && head.records > 8000);
}

#[test]
fn late_records_are_told_when_none_is_lost() {
    let (_dir, path) = place();
    let full = Arc::new(AtomicBool::new(true));
    let trail = Trail::start(filling(&path, &full), true, Duration::from_millis(20)).unwrap();
    let ticket = trail.append(record(0)).unwrap();
    assert_eq!(ticket.wait().unwrap_err().code(), "audit_unwritable");
    full.store(false, Ordering::SeqCst);
    drop(trail);
    let all = newest(&path, &Filter::default(), 10).unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(all[1]["code"], "audit_delayed");
    verify(&path).unwrap();
}

#[test]
fn a_ticket_waits_for_the_disk() {
    let (_dir, path) = place();
    let trail = Trail::start(Store::open(&path, LARGE).unwrap(), true, Duration::from_secs(3600)).unwrap();
    std::thread::scope(|s| {
        for i in 0..8 {
            let (trail, path) = (&trail, &path);
            s.spawn(move || {
                trail.append(record(i)).unwrap().wait().unwrap();
                let there = fs::read_to_string(path).unwrap();
                assert!(there.contains(&format!("\"bytes_in\":{i},")));
            });
        }
    });
    let block = |future: Ticket| {
        let mut future = std::pin::pin!(future);
        let me = std::thread::current();
        struct Unpark(std::thread::Thread);
        impl std::task::Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }
        let waker = Arc::new(Unpark(me)).into();
        loop {
            match Future::poll(future.as_mut(), &mut std::task::Context::from_waker(&waker)) {
                std::task::Poll::Ready(done) => break done,
                std::task::Poll::Pending => std::thread::park(),
            }
        }
    };
    let done: Result<(), Error> = block(trail.append(record(99)).unwrap());
    done.unwrap();
    assert!(fs::read_to_string(&path).unwrap().contains("\"bytes_in\":99,"));
}

#[test]
fn unsafe_places_are_refused() {
    let (dir, path) = place();
    fill(&path, 1);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(Store::open(&path, LARGE).err().unwrap().code(), "audit_unsafe");
    fs::remove_file(&path).unwrap();
    let target = dir.path().join("elsewhere");
    fs::write(&target, "").unwrap();
    std::os::unix::fs::symlink(&target, &path).unwrap();
    assert_eq!(Store::open(&path, LARGE).err().unwrap().code(), "audit_unsafe");
    fs::set_permissions(path.parent().unwrap(), fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(Store::open(&path, LARGE).err().unwrap().code(), "audit_unsafe");
}

#[test]
fn filters_counts_and_following() {
    let (_dir, path) = place();
    let mut follow = Follow::from_end(&path).unwrap();
    let trail = open(&path, 3000);
    (0..30).for_each(|i| drop(trail.append(record(i)).unwrap()));
    trail.append(Record::new(Event::SessionEnd, Timestamp(1_800_000_000_000))).unwrap();
    trail.flush().unwrap();
    let find = |filter: &Filter| newest(&path, filter, 1000).unwrap().len();
    assert_eq!(find(&Filter { event: Some(Event::SessionEnd), ..Filter::default() }), 1);
    assert_eq!(find(&Filter { decision: Some(Decision::Deny), ..Filter::default() }), 10);
    assert_eq!(find(&Filter { host: Some("Example.com".into()), ..Filter::default() }), 15);
    let (since, until) = (Some(Timestamp(1_700_000_000_010)), Some(Timestamp(1_700_000_000_020)));
    assert_eq!(find(&Filter { since, until, ..Filter::default() }), 10);
    let stats = stats(&path).unwrap();
    assert_eq!((stats.records, stats.by_decision["allow"], stats.by_host["notexample.com"]), (31, 20, 15));
    assert_eq!(stats.first.as_deref(), Some("2023-11-14T22:13:20.000Z"));
    assert!(stats.segments > 1 && stats.bytes > 3000);
    assert!(!follow.more(&Filter::default()).unwrap().is_empty());
    trail.append(record(77)).unwrap();
    trail.flush().unwrap();
    let new = follow.more(&Filter::default()).unwrap();
    assert_eq!(new.len(), 1);
    assert_eq!(new[0]["bytes_in"], 77);
}
