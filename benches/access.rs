//! What counting the use of a secret costs the exchange that used it.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up has nothing to measure")]

use katana::audit::Trail;
use katana::base::clock::Timestamp;
use katana::base::host::Host;
use katana::config::Config;
use katana::pipeline::{Access, Client};
use std::net::Ipv4Addr;
use std::sync::Arc;

fn main() {
    divan::main();
}

#[divan::bench(threads = [1, 2])]
fn used(bencher: divan::Bencher) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let trail = Trail::open(&dir.path().join("audit.jsonl"), &Config::default().audit).expect("a trail");
    let access = Access::new(Arc::new(trail));
    let (secret, host) = (Arc::from("OPENAI_API_KEY"), Host::parse("api.openai.com").expect("a host"));
    let client = Client::Tcp(Ipv4Addr::LOCALHOST.into());
    bencher.bench(|| access.used(&client, &secret, &host, Timestamp::now()));
}
