//! The vault-value scan: megabytes a second over clean text, allocations, and what compiling costs.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up has to stop")]

use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher};
use katana::vault::scrub::{Echo, Matcher, Needle};

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// Keys as providers make them.
fn keys(count: usize) -> Vec<String> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(
            b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789-_/+"[(state >> 40) as usize % 63],
        )
    };
    (0..count)
        .map(|n| {
            let body: String = (0..24 + n % 32).map(|_| next()).collect();
            format!("{}{body}Z", ["sk-proj-", "sk-ant-api03-", "ghp_", "AKIA", "xoxb-"][n % 5])
        })
        .collect()
}

fn matcher(count: usize) -> Matcher {
    let keys = keys(count);
    let needles: Vec<Needle<'_>> = (0..)
        .zip(&keys)
        .map(|(secret, key)| Needle { secret, value: key.as_bytes(), placeholder: "", mark: 0 })
        .collect();
    Matcher::compile(&needles).expect("compiles")
}

const PROSE: &str = include_str!("../LICENSE-APACHE");

fn megabyte(piece: &str) -> Vec<u8> {
    piece.bytes().cycle().take(1 << 20).collect()
}

fn text(kind: &str) -> Vec<u8> {
    match kind {
        "prose" => megabyte(PROSE),
        "chat json" => megabyte(&format!(
            "{{\"role\": \"user\", \"content\": \"{}\"}},\n",
            PROSE.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
        )),
        "source" => megabyte(include_str!("../src/config/mod.rs")),
        "base64" => {
            let mut state = 9_u64;
            let mut bytes = Vec::new();
            while bytes.len() < 1 << 20 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                bytes.push(
                    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
                        [(state >> 40) as usize % 64],
                );
            }
            bytes
        }
        "escaped cjk" => megabyte("\\u4f60\\u597d\\uff0c\\u4e16\\u754c\\u3002"),
        "attack" => megabyte("sk-proj-sk-ant-api03-%73k-pr\\u006fj-"),
        _ => megabyte("name=J%C3%BCrgen+M&q=a%20b%2Cc&next=https%3A%2F%2Fexample.com%2F&"),
    }
}

#[divan::bench(args = ["prose", "chat json", "source", "base64", "escaped cjk", "form", "attack"])]
fn clean_with_100_secrets(bencher: Bencher<'_, '_>, kind: &str) {
    let (matcher, text) = (matcher(100), text(kind));
    let mut hits = Vec::with_capacity(16);
    bencher.counter(BytesCount::of_slice(&text)).bench_local(|| matcher.scan(&text, &mut hits));
    assert!(hits.is_empty());
}

#[divan::bench]
fn nothing_in_the_vault(bencher: Bencher<'_, '_>) {
    let (matcher, text) = (matcher(0), text("prose"));
    bencher.bench_local(|| matcher.scan(&text, &mut Vec::new()));
}

#[divan::bench(args = ["application/json", "Bearer sk-katana-0123456789abcdefghijklmnopq", "/v1/chat/completions"])]
fn header(bencher: Bencher<'_, '_>, value: &str) {
    let matcher = matcher(100);
    bencher.bench_local(|| matcher.find(value.as_bytes(), &mut Vec::new()));
}

#[divan::bench(args = [1, 100, 1000])]
fn compile(bencher: Bencher<'_, '_>, count: usize) {
    bencher.bench_local(|| matcher(count));
}

#[divan::bench]
fn echo_of_one(bencher: Bencher<'_, '_>) {
    let (key, text) = (&keys(1)[0], text("prose"));
    let echo = Echo::compile(&[(key.as_bytes(), "placeholder")]);
    bencher.counter(BytesCount::of_slice(&text)).bench_local(|| echo.scan(&text, &mut Vec::new()));
}

#[divan::bench]
fn echo_compile(bencher: Bencher<'_, '_>) {
    let key = &keys(1)[0];
    bencher.bench_local(|| Echo::compile(&[(key.as_bytes(), "placeholder")]));
}
