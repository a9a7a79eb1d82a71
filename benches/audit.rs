//! What one audit record costs: built, hashed, written and synced in batches; and how fast a trail is walked.

#![expect(clippy::unwrap_used, reason = "a bench that cannot be set up has nothing to measure")]

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use katana::audit::{Decision, Event, Finding, Record, Trail, redact_path, verify};
use katana::base::clock::Timestamp;
use katana::base::host::Host;
use katana::base::id::ExchangeId;
use katana::config;
use std::sync::Arc;
use std::time::Duration;

const BATCH: usize = 4096;

fn main() {
    divan::main();
}

fn record(host: &Host, secret: &Arc<str>) -> Record {
    let mut r = Record::new(Event::ProxyRequest, Timestamp::now());
    r.exchange = Some(ExchangeId::next());
    r.client = Some("127.0.0.1".into());
    r.method = Some("POST".into());
    r.host = Some(host.clone());
    r.port = Some(443);
    r.path = Some(redact_path("/v1/chat/completions?stream=true"));
    r.decision = Some(Decision::Allow);
    r.outcome = Some("completed".into());
    r.reasons = vec!["credential injected".into()];
    r.scan_results = vec![Finding {
        scanner: Arc::clone(secret),
        category: "secret".into(),
        confidence: 95,
        place: "request body".into(),
        surface: Some("body".into()),
        views: None,
    }];
    (r.status, r.bytes_in, r.bytes_out, r.duration_ms) = (Some(200), Some(4096), Some(1024), Some(12));
    r.injected = vec![Arc::clone(secret)];
    r
}

fn trail(dir: &tempfile::TempDir) -> Trail {
    let opts = config::Audit { max_size_mb: 10, sync: false, batch_delay: Duration::from_millis(200) };
    Trail::open(&dir.path().join("audit/audit.jsonl"), &opts).unwrap()
}

/// Everything, per record: append, serialise, hash, write, rotate and the last fdatasync.
#[divan::bench(sample_count = 50)]
fn append(bencher: Bencher<'_, '_>) {
    let dir = tempfile::tempdir().unwrap();
    let (trail, host) = (trail(&dir), Host::parse("api.openai.com").unwrap());
    let secret: Arc<str> = "OPENAI_API_KEY".into();
    bencher.counter(ItemsCount::new(BATCH)).bench(|| {
        for _ in 0..BATCH {
            trail.append(record(&host, &secret)).unwrap();
        }
        trail.flush().unwrap();
    });
}

/// What the caller alone pays: the writer has the other core.
#[divan::bench(sample_count = 50)]
fn append_caller(bencher: Bencher<'_, '_>) {
    let dir = tempfile::tempdir().unwrap();
    let (trail, host) = (trail(&dir), Host::parse("api.openai.com").unwrap());
    let secret: Arc<str> = "OPENAI_API_KEY".into();
    let records = || (0..256).map(|_| record(&host, &secret)).collect::<Vec<_>>();
    bencher.counter(ItemsCount::new(256_usize)).with_inputs(records).bench_values(|records| {
        for r in records {
            let _ = black_box(trail.append(r));
        }
    });
}

/// A record built and thrown away, to be taken off the above.
#[divan::bench]
fn build(bencher: Bencher<'_, '_>) {
    let (host, secret) = (Host::parse("api.openai.com").unwrap(), Arc::from("OPENAI_API_KEY"));
    bencher.bench(|| record(black_box(&host), &secret));
}

#[divan::bench(sample_count = 10)]
fn verify_a_trail(bencher: Bencher<'_, '_>) {
    let dir = tempfile::tempdir().unwrap();
    let (trail, host) = (trail(&dir), Host::parse("api.openai.com").unwrap());
    let secret: Arc<str> = "OPENAI_API_KEY".into();
    for _ in 0..BATCH {
        trail.append(record(&host, &secret)).unwrap();
    }
    drop(trail);
    let path = dir.path().join("audit/audit.jsonl");
    bencher.counter(ItemsCount::new(BATCH)).bench(|| verify(&path).unwrap());
}
