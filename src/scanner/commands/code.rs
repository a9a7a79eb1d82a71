//! One-liners of other languages: their code is kept for the rules, what they decode is worked out, and what they hand to a shell
//! is walked through.

use std::sync::LazyLock;

use regex::Regex;

use super::act::{Act, Stream, Tricks, join};
use super::machine::Machine;
use super::prints;
use super::programs::run_from;
use super::words::unescape;
use super::wrappers::is_interpreter;

/// Longer code is not looked into.
const LONGEST: usize = 16 << 10;
/// Decoded texts and shell commands looked at in one piece of code.
const MOST: usize = 16;

/// What code that decodes something has in it.
const DECODERS: &[&str] = &[
    "b64",
    "base64",
    "Buffer.from",
    "atob",
    "fromhex",
    "unhexlify",
    "MIME",
    "unpack",
    "pack(",
    "rot",
    "codecs",
    "decode",
];

/// A call that hands a text to a shell.
static TO_SHELL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?x)\b(?:system|popen\d?|exec[lv]?[pe]{0,2}|execSync|execFileSync|spawn(?:Sync)?|call|run|check_output|check_call|Popen|getoutput|getstatusoutput|shell_exec|passthru|proc_open|pcntl_exec|qx|sh)
        \s*[(\s]\s*\[?\s*(?:f|r|b|u)?(?:"((?:[^"\\]|\\.){2,})"|'((?:[^'\\]|\\.){2,})')((?:\s*,\s*\[?\s*(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')){0,12})"#,
    )
    .ok()
});
/// Texts between backquotes, or within `%x(…)` and `qx{…}`.
static BACKQUOTED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"`([^`]{2,})`|%x[({\[]([^)}\]]{2,})|qx[({/\[]([^)}/\]]{2,})").ok());
/// What may be base64 or hexadecimal.
static LITERAL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"["']([A-Za-z0-9+/_=\-]{8,})["']"#).ok());
/// `chr(114)+chr(109)`, `String.fromCharCode(114,109)`, `[114,109]`.
static CODES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?:(?:chr\(|\bchar\()\s*(?:0x)?[0-9a-fA-F]{2,3}\s*\)[\s+.,]*){3,}|fromCharCode\(([0-9,\s]{6,})\)|\[((?:\s*[0-9]{2,3}\s*,){3,}\s*[0-9]{2,3}\s*)\]").ok()
});
static NUMBER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[0-9]{2,3}").ok());
static QUOTED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#""((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'"#).ok());

/// Other programs that may be given code.
pub(super) fn may_run(program: &str) -> bool {
    matches!(
        program,
        "awk"
            | "gawk"
            | "mawk"
            | "nawk"
            | "vim"
            | "vi"
            | "ex"
            | "emacs"
            | "gdb"
            | "git"
            | "tar"
            | "mysql"
            | "sqlite3"
            | "psql"
    )
}

/// Takes an interpreter's code down and goes into what it gives to a shell.
pub(super) fn interpreter(machine: &mut Machine, id: usize, act: &Act, input: &Stream) -> Option<Stream> {
    let Some(at) = code_at(act) else {
        if is_interpreter(&act.program) {
            unnamed(machine, id, act, input);
        }
        return None;
    };
    let word = act.args.get(at)?;
    run_from(machine, id, std::slice::from_ref(word));
    let (code, decoded) = readable(word.text.get(..word.text.len().min(LONGEST)).unwrap_or(&word.text));
    if decoded {
        machine.acts[id].tricks.add(Tricks::DECODED);
    }
    machine.acts[id].code.clone_from(&code);
    let hidden = if decoded { Tricks::DECODED } else { Tricks::default() };
    for command in shell_texts(&code) {
        machine.shell(&command, input, &act.span, hidden);
    }
    // decoded text may itself be a command: `exec(b64decode('cm0gLXJmIC8='))`
    if decoded {
        let literal = code.split_once('\n').map_or("", |(_, d)| d).to_owned();
        machine.shell(&literal, input, &act.span, hidden);
    }
    None
}

/// No code in its words: it runs a file, or what it reads.
fn unnamed(machine: &mut Machine, id: usize, act: &Act, input: &Stream) {
    let file = act.args.iter().find(|a| !a.text.starts_with('-'));
    let module = act
        .args
        .iter()
        .any(|a| matches!(a.text.as_str(), "-m" | "-c" | "-V" | "--version" | "-h" | "--help"));
    let (from, text) = match file {
        Some(file) if file.text != "/dev/stdin" => {
            let stream = machine.file(&file.text);
            let mut from = file.from.clone();
            join(&mut from, &stream.from);
            (from, stream.text)
        }
        _ if module => return,
        _ => (input.from.clone(), input.text.clone()),
    };
    join(&mut machine.acts[id].runs, &from);
    if let Some(text) = text {
        let (code, _) = readable(text.get(..LONGEST).unwrap_or(&text));
        machine.acts[id].code.clone_from(&code);
        for command in shell_texts(&code) {
            machine.shell(&command, &Stream::default(), &act.span, Tricks::default());
        }
    }
}

/// Which word is code.
fn code_at(act: &Act) -> Option<usize> {
    let name = act.program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    let args = || act.args.iter().map(|a| a.text.as_str());
    let behind = |is: &dyn Fn(&str) -> bool| args().position(is).map(|at| at + 1);
    let short = |letters: &'static str| {
        move |a: &str| {
            a.starts_with('-') && !a.starts_with("--") && a.len() < 8 && a.ends_with(|c| letters.contains(c))
        }
    };
    match name {
        "python" | "pypy" => behind(&short("c")),
        "perl" | "ruby" | "lua" | "luajit" | "groovy" | "osascript" | "rscript" | "guile" | "julia" => {
            behind(&short("eE"))
        }
        "node" | "nodejs" | "bun" | "tsx" | "ts-node" => {
            behind(&|a| matches!(a, "-e" | "-p" | "-pe" | "--eval" | "--print"))
        }
        "deno" => behind(&|a| a == "eval"),
        "php" => behind(&short("rBR")),
        "awk" | "gawk" | "mawk" | "nawk" => awk(act),
        "mysql" | "psql" | "sqlite" | "gdb" => {
            behind(&|a| matches!(a, "-c" | "-e" | "--command" | "--execute" | "-ex" | "--eval"))
                .or_else(|| (name == "sqlite").then_some(1))
        }
        "vim" | "vi" | "ex" | "emacs" => behind(&|a| matches!(a, "-c" | "--cmd" | "--eval")),
        _ => None,
    }
}

/// The program text of awk: its first word that is no flag.
fn awk(act: &Act) -> Option<usize> {
    let mut at = 0;
    while let Some(arg) = act.args.get(at) {
        match arg.text.as_str() {
            "-f" => return None,
            "-F" | "-v" => at += 2,
            a if a.starts_with('-') && a.len() > 1 => at += 1,
            _ => return Some(at),
        }
    }
    None
}

/// The code, and behind a line break what literals in it decode to where it decodes something.
fn readable(code: &str) -> (String, bool) {
    let mut more = Vec::new();
    let decodes = DECODERS.iter().any(|d| code.contains(d));
    if decodes {
        for found in LITERAL.iter().flat_map(|r| r.captures_iter(code)).take(MOST) {
            let text = &found[1];
            let readable = |t: &String| {
                t.len() > 3
                    && t.chars().all(|c| !c.is_control() || c.is_whitespace())
                    && !t.contains('\u{fffd}')
            };
            let even = text.len() % 2 == 0 && text.bytes().all(|b| b.is_ascii_hexdigit());
            more.extend(
                even.then(|| prints::hex(text))
                    .flatten()
                    .filter(readable)
                    .or_else(|| prints::base64(text).filter(readable)),
            );
        }
        if code.contains("rot") {
            more.extend(
                QUOTED
                    .iter()
                    .flat_map(|r| r.captures_iter(code))
                    .take(MOST)
                    .filter_map(|c| c.get(1).or(c.get(2)))
                    .map(|m| rot13(m.as_str())),
            );
        }
    }
    for found in CODES.iter().flat_map(|r| r.find_iter(code)).take(MOST) {
        let chars = NUMBER
            .iter()
            .flat_map(|r| r.find_iter(found.as_str()))
            .filter_map(|n| n.as_str().parse::<u32>().ok().and_then(char::from_u32));
        more.push(chars.filter(|c| c.is_ascii()).collect());
    }
    let plain = if code.contains("\\x") || code.contains("\\u00") { unescape(code) } else { code.to_owned() };
    let joined = plain
        .replace("\"+\"", "")
        .replace("'+'", "")
        .replace("\" + \"", "")
        .replace("' + '", "")
        .replace("\".\"", "")
        .replace("'.'", "");
    let decoded = !more.is_empty();
    (std::iter::once(joined).chain(more).collect::<Vec<_>>().join("\n"), decoded)
}

fn rot13(text: &str) -> String {
    let turn = |c: char, first: u8| {
        char::from((u8::try_from(u32::from(c)).unwrap_or(first) - first + 13) % 26 + first)
    };
    text.chars()
        .map(|c| {
            if c.is_ascii_lowercase() {
                turn(c, b'a')
            } else if c.is_ascii_uppercase() {
                turn(c, b'A')
            } else {
                c
            }
        })
        .collect()
}

/// The shell commands in a piece of code.
fn shell_texts(code: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for found in TO_SHELL.iter().flat_map(|r| r.captures_iter(code)).take(MOST) {
        let first = found.get(1).or(found.get(2)).map_or("", |m| m.as_str());
        let mut text = unescape(first);
        for more in QUOTED.iter().flat_map(|r| r.captures_iter(found.get(3).map_or("", |m| m.as_str()))) {
            let word = more.get(1).or(more.get(2)).map_or("", |m| m.as_str());
            text.push(' ');
            // a list of words: each is one
            text.push_str(&format!("'{}'", unescape(word).replace('\'', "'\\''")));
        }
        texts.push(text);
    }
    for found in BACKQUOTED.iter().flat_map(|r| r.captures_iter(code)).take(MOST) {
        texts.extend(found.iter().skip(1).flatten().map(|m| m.as_str().to_owned()));
    }
    if let Some((_, command)) = code.split_once(":!") {
        texts.push(command.to_owned());
    }
    texts
}

#[cfg(test)]
pub(super) fn expressions_compile() -> bool {
    [&TO_SHELL, &BACKQUOTED, &LITERAL, &CODES, &NUMBER, &QUOTED].iter().all(|r| r.is_some())
}
