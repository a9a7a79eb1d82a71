//! How fast the scanner walks clean text, prose and hostile text, each way: `cargo bench --bench scanner`.
#![expect(clippy::expect_used, reason = "a bench of a broken catalogue has nothing to measure")]

use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher, black_box};
use katana::scanner::{Direction, Scanner, Surface};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const WORDS: &str = "the agent request model tool result value data json server client token stream event payload message \
    content role user assistant system function call time order list item";
const MIB: usize = 1 << 20;

fn main() {
    divan::main();
}

/// Words in no order, as JSON strings: nothing in it is of interest.
fn salad(size: usize) -> Vec<u8> {
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let (mut text, mut seed) = (String::from("{\"messages\":[{\"content\":\""), 7_u64);
    while text.len() < size {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(words[(seed >> 33) as usize % words.len()]);
        text.push_str(if (seed >> 40).is_multiple_of(19) { "\"},{\"content\":\"" } else { " " });
    }
    text.truncate(size);
    text.into_bytes()
}

/// What people wrote on this machine (licences, changelogs), else word salad.
fn prose(size: usize) -> Vec<u8> {
    let mut text = Vec::new();
    for entry in std::fs::read_dir("/usr/share/doc").into_iter().flatten().flatten() {
        text.extend(std::fs::read(entry.path().join("copyright")).unwrap_or_default());
        if text.len() >= size {
            text.truncate(size);
            return text;
        }
    }
    salad(size)
}

fn repeated(part: &str, size: usize) -> Vec<u8> {
    part.bytes().cycle().take(size).collect()
}

/// As bodies that are complete are scanned.
#[divan::bench(args = [1024, 4096])]
fn request_find(bencher: Bencher, size: usize) {
    let scanner = Scanner::builtin().expect("the catalogue is tested");
    let (text, mut found) = (salad(size), Vec::new());
    bencher.counter(BytesCount::of_slice(&text)).bench_local(|| {
        found.clear();
        scanner.find(Direction::Request, Surface::Body, black_box(&text), &mut found);
    });
}

fn run(bencher: Bencher, direction: Direction, text: &[u8]) {
    let scanner = Scanner::builtin().expect("the catalogue is tested");
    let mut found = Vec::new();
    scanner.scan(direction, Surface::Body, text, &mut found);
    bencher.counter(BytesCount::of_slice(text)).bench_local(|| {
        found.clear();
        scanner.scan(direction, Surface::Body, black_box(text), &mut found)
    });
}

#[divan::bench(args = [1024, 4096, 10_240, 102_400, MIB])]
fn request_salad(bencher: Bencher, size: usize) {
    run(bencher, Direction::Request, &salad(size));
}

#[divan::bench(args = [1024, 4096, 10_240, 102_400, MIB])]
fn request_prose(bencher: Bencher, size: usize) {
    run(bencher, Direction::Request, &prose(size));
}

#[divan::bench(args = [1024, 65_536, MIB, 100 * MIB])]
fn response_salad(bencher: Bencher, size: usize) {
    run(bencher, Direction::Response, &salad(size));
}

#[divan::bench(args = [1024, 65_536, MIB])]
fn response_prose(bencher: Bencher, size: usize) {
    run(bencher, Direction::Response, &prose(size));
}

#[divan::bench(args = ["ignore ", "ignore all of the very ", "ignoreignore", "reveal your ", "forget about what ", "you are now ", "<!-- a "])]
fn response_hostile(bencher: Bencher, part: &str) {
    run(bencher, Direction::Response, &repeated(part, MIB));
}

#[divan::bench(args = ["sk-", "password=", "eyJ", "://a:", "-----BEGIN RSA PRIVATE KEY-----\n"])]
fn request_hostile(bencher: Bencher, part: &str) {
    run(bencher, Direction::Request, &repeated(part, MIB));
}

#[divan::bench]
fn compile() -> Scanner {
    Scanner::builtin().expect("the catalogue is tested")
}
