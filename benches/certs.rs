//! What a first request to a host pays for its certificate, and what the ones after it pay.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up has nothing to measure")]

use katana::base::host::Host;
use katana::certs::{Authority, Leaves};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn main() {
    divan::main();
}

fn leaves() -> (tempfile::TempDir, Leaves) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let authority = Authority::load_or_make(&dir.path().join("ca")).expect("an authority");
    let leaves = Leaves::new(Arc::new(authority)).expect("a leaf key");
    (dir, leaves)
}

#[divan::bench(threads = [1, 2])]
fn sign(bencher: divan::Bencher) {
    let (_dir, leaves) = leaves();
    let number = AtomicU64::new(0);
    bencher
        .with_inputs(|| {
            let n = number.fetch_add(1, Ordering::Relaxed);
            Host::parse(&format!("h{n}.example.com")).expect("a host")
        })
        .bench_values(|host| leaves.for_host(&host).expect("a leaf"));
}

#[divan::bench(threads = [1, 2])]
fn kept(bencher: divan::Bencher) {
    let (_dir, leaves) = leaves();
    let host = Host::parse("api.example.com").expect("a host");
    bencher.bench(|| leaves.for_host(&host).expect("a leaf"));
}

#[divan::bench]
fn load_authority(bencher: divan::Bencher) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let ca = dir.path().join("ca");
    Authority::load_or_make(&ca).expect("an authority");
    bencher.bench(|| Authority::load_or_make(&ca).expect("an authority"));
}
