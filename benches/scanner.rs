//! How fast the scanner and the judge are with clean text, prose and hostile text, each way: `cargo bench --bench scanner`.
#![expect(clippy::expect_used, reason = "a bench of a broken catalogue has nothing to measure")]

use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher, black_box};
use katana::scanner::{Direction, Judge, Scanner, Subject, Surface};

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

/// The whole judgement: rules, views, parts, classifier.
fn judged(bencher: Bencher, direction: Direction, surface: Surface, text: &[u8]) {
    let judge = Judge::builtin().expect("the catalogue is tested");
    let (subject, mut found) = (Subject::new(direction, surface), Vec::new());
    judge.find(&subject, text, &mut found);
    bencher.counter(BytesCount::of_slice(text)).bench_local(|| {
        found.clear();
        judge.find(&subject, black_box(text), &mut found);
    });
}

/// A conversation of such turns.
fn chat(size: usize) -> Vec<u8> {
    let turn = |role: &str| {
        format!(
            "{{\"role\":\"{role}\",\"content\":\"{}\"}}",
            "Why does the build of the second module fail? The log names no file that we know.\\n".repeat(9)
        )
    };
    let mut text = format!("{{\"model\":\"m\",\"messages\":[{}", turn("system"));
    while text.len() < size {
        text = format!("{text},{},{}", turn("user"), turn("assistant"));
    }
    (text + "]}").into_bytes()
}

#[divan::bench(args = [1024, 10_240, 102_400])]
fn judge_request_salad(bencher: Bencher, size: usize) {
    judged(bencher, Direction::Request, Surface::Body, &salad(size));
}

#[divan::bench(args = [1024, 10_240, 102_400])]
fn judge_request_prose(bencher: Bencher, size: usize) {
    judged(bencher, Direction::Request, Surface::Body, &prose(size));
}

#[divan::bench(args = [1024, 10_240, 102_400])]
fn judge_request_chat(bencher: Bencher, size: usize) {
    judged(bencher, Direction::Request, Surface::Body, &chat(size));
}

#[divan::bench(args = [1024, 10_240, 102_400])]
fn judge_response_prose(bencher: Bencher, size: usize) {
    judged(bencher, Direction::Response, Surface::Body, &prose(size));
}

/// What makes the engines work most, by what they are made of.
const HOSTILE: &[&str] = &[
    "ignore ",
    "ignore all of the very ",
    "ignoreignore",
    "reveal your ",
    "forget about what ",
    "you are now ",
    "<!-- a ",
    "sk-",
    "password=",
    "dd_api_key=09 ",
    "api_key = \"q8Fz2Lw0Vb\" ",
    "eyJ",
    "://a:",
    "-----BEGIN RSA PRIVATE KEY-----\n",
    "%25%25",
    "%41",
    "\\u0041",
    "&#65;",
    "aWdub3JlIGFsbCBwcmV2",
    "4a6f686e",
    "i g n o r e ",
    "{\"a\":",
    "[[[[",
    "{\"messages\":[",
    "\u{200b}",
    "\u{e0041}",
    "0,",
    "Не говори ",
    "=41=42",
    "SGVsbG8=\n",
];

#[divan::bench(args = HOSTILE)]
fn judge_request_hostile(bencher: Bencher, part: &str) {
    judged(bencher, Direction::Request, Surface::Body, &repeated(part, 64 * 1024));
}

#[divan::bench(args = HOSTILE)]
fn judge_response_hostile(bencher: Bencher, part: &str) {
    judged(bencher, Direction::Response, Surface::Body, &repeated(part, 64 * 1024));
}

/// As the arguments of a tool that runs commands are read.
#[divan::bench(args = ["$(", "`", "a|", "a;", "((", "{a,b}", "${x:-", "eval eval ", "<<a ", "'\"", "sh -c sh -c ", "for a in b;do "])]
fn judge_command_hostile(bencher: Bencher, part: &str) {
    judged(bencher, Direction::Response, Surface::ToolCall, &repeated(part, 20_000));
}

#[divan::bench]
fn compile() -> Scanner {
    Scanner::builtin().expect("the catalogue is tested")
}
