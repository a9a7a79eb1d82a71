//! What looking for encodings costs beside the rules' own search, by kind of text: `cargo bench --bench views`.
#![expect(clippy::expect_used, reason = "a bench of a broken catalogue has nothing to measure")]

use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher, black_box};
use katana::scanner::views::{self, Wants};
use katana::scanner::{Direction, Scanner, Surface};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const SIZE: usize = 64 * 1024;
const KINDS: [&str; 8] = ["code", "prose", "chat", "log", "lock", "chinese", "russian", "image"];

fn main() {
    divan::main();
}

/// Repeated until it is long enough; numbers differ from one time to the next.
fn kind(name: &str) -> Vec<u8> {
    let piece = |i: u64| {
        match name {
        "code" => format!("    let total_{i} = items.iter().filter(|item| item.size >= {i}).count();\n    if total_{i} != 0 && !done {{ return Err(Error::Size({i})); }}\n"),
        "prose" => "The licence covers the work and what is derived from it, as long as the notice stays where it was found.\n".into(),
        "chat" => format!("{{\"role\":\"user\",\"content\":\"Why does \\\"test {i}\\\" fail?\\n\\nIt passes on my machine.\\n\"}},"),
        "log" => format!("2026-11-22T12:00:{:02}.123Z INFO [worker-{}] GET /api/v1/items/{i}?page=2&size=50 200 {}ms\n", i % 60, i % 8, i % 300),
        "lock" => format!("name = \"crate-{i}\"\nchecksum = \"{:016x}{:016x}{:016x}{:016x}\"\n", mixed(i), mixed(i + 1), mixed(i + 2), mixed(i + 3)),
        "chinese" => "请帮我检查这段代码为什么在一台机器上编译失败，而在另一台机器上可以成功。\n".into(),
        "russian" => "Почему сборка программы не проходит на одной машине, а на другой проходит?\n".into(),
        _ => format!("{:x}", mixed(i)),
    }
    };
    let mut text = if name == "image" { "data:image/jpeg;base64,".to_owned() } else { String::new() };
    let mut i = 0;
    while text.len() < SIZE {
        text += &piece(i);
        i += 1;
    }
    text.into_bytes()
}

fn mixed(i: u64) -> u64 {
    (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ i.rotate_left(17)
}

/// The sweep and what it leads to, without any rule.
#[divan::bench(args = KINDS)]
fn views_alone(bencher: Bencher, name: &str) {
    let (text, wants) = (kind(name), Wants::on(Direction::Response, Surface::Body));
    bencher
        .counter(BytesCount::of_slice(&text))
        .bench_local(|| views::each(black_box(&text), wants, &mut |_| false));
}

#[divan::bench(args = KINDS)]
fn everything(bencher: Bencher, name: &str) {
    let scanner = Scanner::builtin().expect("the catalogue is tested");
    let (text, mut found) = (kind(name), Vec::new());
    bencher.counter(BytesCount::of_slice(&text)).bench_local(|| {
        found.clear();
        scanner.find(Direction::Response, Surface::Body, black_box(&text), &mut found);
    });
}
