//! What one ruling costs, and that an allowing one allocates nothing.

#![expect(clippy::unwrap_used, reason = "a bench that cannot be set up has nothing to measure")]

use divan::{AllocProfiler, Bencher, black_box};
use katana::base::host::Host;
use katana::config::Preset;
use katana::policy::{Engine, Request, normalise_path};

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

fn decide(bencher: Bencher<'_, '_>, preset: Preset, host: &str, path: &str) {
    let engine = Engine::build(preset, None, &[], &[]).unwrap();
    let host = Host::parse(host).unwrap();
    let header = |_: &str| None;
    bencher.bench(|| {
        let request = Request {
            host: &host,
            port: 443,
            method: black_box("POST"),
            path: black_box(path),
            header: &header,
        };
        engine.decide(&request)
    });
}

#[divan::bench]
fn balanced_allows(bencher: Bencher<'_, '_>) {
    decide(bencher, Preset::Balanced, "api.openai.com", "/v1/chat/completions?stream=true");
}

#[divan::bench]
fn max_allows(bencher: Bencher<'_, '_>) {
    decide(bencher, Preset::Max, "generativelanguage.googleapis.com", "/v1beta/models/x/generate");
}

#[divan::bench]
fn max_allows_an_escaped_path(bencher: Bencher<'_, '_>) {
    decide(bencher, Preset::Max, "api.github.com", "/repos/a%2Fb/contents/x%20y");
}

#[divan::bench]
fn balanced_denies(bencher: Bencher<'_, '_>) {
    decide(bencher, Preset::Balanced, "c23b2la0kl1krjcrdj10.oast.pro", "/");
}

#[divan::bench]
fn many_rules_allow(bencher: Bencher<'_, '_>) {
    let rules: Vec<String> = (0..500)
        .map(|n| format!("  - {{name: r{n}, host: ['h{n}.example.com', '*.s{n}.test'], path: /admin/**}}\n"))
        .collect();
    let text = format!("name: many\nextends: max\npolicies:\n{}", rules.concat());
    let engine = Engine::build(Preset::Max, Some(("many.yaml", &text)), &[], &[]).unwrap();
    let (host, header) = (Host::parse("h77.example.com").unwrap(), |_: &str| None);
    bencher.bench(|| {
        engine.decide(&Request {
            host: &host,
            port: 443,
            method: "GET",
            path: black_box("/v1/x"),
            header: &header,
        })
    });
}

#[divan::bench]
fn normalise_a_clean_path(bencher: Bencher<'_, '_>) {
    bencher.bench(|| normalise_path(black_box("/v1/chat/completions")).len());
}
