//! What programs print, where that can be said without running them: those that turn a text into the command it hides.

use super::act::{Act, Tricks};
use super::expand::LONGEST;
use super::words::unescape;

/// What `act` prints when it reads `input`; none: not known.
pub(super) fn output(act: &Act, input: Option<&str>) -> Option<(String, Tricks)> {
    let plain = |text: String| Some((text, Tricks::default()));
    let decoded = |text: Option<String>| text.map(|t| (t, Tricks::DECODED));
    let args: Vec<&str> = act.args.iter().map(|a| a.text.as_str()).collect();
    let flag = |short: char, long: &str| {
        args.iter().any(|a| *a == long || a.starts_with('-') && !a.starts_with("--") && a.contains(short))
    };
    match act.program.as_str() {
        "echo" => {
            let (mut escapes, mut newline, mut at) = (false, true, 0);
            while let Some(flags) = args
                .get(at)
                .and_then(|a| a.strip_prefix('-'))
                .filter(|f| !f.is_empty() && f.chars().all(|c| "neE".contains(c)))
            {
                escapes |= flags.contains('e');
                newline &= !flags.contains('n');
                at += 1;
            }
            let mut text = args[at..].join(" ");
            // `sh` may be a shell whose echo minds them
            if escapes || text.contains("\\x") || text.contains("\\0") {
                text = unescape(&text);
            }
            if newline {
                text.push('\n');
            }
            Some((text, if escapes { Tricks::ESCAPE } else { Tricks::default() }))
        }
        "printf" => printf(&args),
        "cat" | "tee" | "pv" | "buffer" | "head" | "tail" | "sort" | "uniq" | "unbuffer" | "sponge"
        | "nl"
            if args.iter().all(|a| a.starts_with('-')) || act.program == "tee" =>
        {
            plain(input?.to_owned())
        }
        "print" => plain(format!("{}\n", args.join(" "))),
        "base64" | "gbase64" if flag('d', "--decode") || flag('D', "-D") => {
            decoded(base64(&text_of(act, input)?))
        }
        "openssl"
            if args.iter().any(|a| *a == "base64" || *a == "-base64" || *a == "-a")
                && args.contains(&"-d") =>
        {
            decoded(base64(input?))
        }
        "base32" | "basenc" if flag('d', "--decode") => decoded(base32(input?, &args)),
        "xxd" if flag('r', "--revert") => decoded(hex(input?)),
        "rev" => decoded(Some(input?.lines().map(|l| l.chars().rev().collect::<String>() + "\n").collect())),
        "tac" => plain(input?.lines().rev().map(|l| format!("{l}\n")).collect()),
        "tr" => translated(&args, input?).map(|t| (t, Tricks::DECODED)),
        "rot13" | "caesar" => decoded(Some(translated(&["a-zA-Z", "n-za-mN-ZA-M"], input?)?)),
        "sed" => decoded(substituted(&args, input?)),
        "cut" => None,
        _ => None,
    }
    .filter(|(text, _)| text.len() <= LONGEST)
}

/// The input, or `<<<` given as a word.
fn text_of(act: &Act, input: Option<&str>) -> Option<String> {
    act.input.clone().or_else(|| input.map(str::to_owned))
}

fn printf(args: &[&str]) -> Option<(String, Tricks)> {
    let args = args.strip_prefix(&["--"]).unwrap_or(args);
    let (format, values) = args.split_first()?;
    let escaped = format.contains('\\')
        && (format.contains("\\x")
            || format.contains("\\u")
            || format.chars().zip(format.chars().skip(1)).any(|(a, b)| a == '\\' && b.is_ascii_digit()));
    let mut out = String::new();
    let mut values = values.iter();
    loop {
        let before = values.len();
        let mut rest: &str = format;
        while let Some(at) = rest.find('%') {
            out.push_str(&unescape(&rest[..at]));
            let spec = rest[at + 1..].trim_start_matches(|c: char| c.is_ascii_digit() || "-.+# ".contains(c));
            let kind = spec.chars().next();
            match kind {
                Some('%') => out.push('%'),
                Some('b') => out.push_str(&unescape(values.next().unwrap_or(&""))),
                Some('c') => out.extend(values.next().and_then(|v| v.chars().next())),
                Some(_) => out.push_str(values.next().unwrap_or(&"")),
                None => out.push('%'),
            }
            rest = &spec[kind.map_or(0, char::len_utf8)..];
        }
        out.push_str(&unescape(rest));
        // the format is used again for the words that are left
        if values.len() == 0 || values.len() == before || out.len() > LONGEST {
            break;
        }
    }
    Some((out, if escaped { Tricks::ESCAPE } else { Tricks::default() }))
}

/// Base64 of either alphabet, padded or not, with line breaks.
pub(super) fn base64(text: &str) -> Option<String> {
    let kept: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '=')
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            c => c,
        })
        .collect();
    let bytes = data_encoding::BASE64_NOPAD
        .decode(kept.get(..kept.len() - usize::from(kept.len() % 4 == 1))?.as_bytes());
    let bytes = bytes
        .or_else(|e| {
            // what comes before the mistake counts; trailing bits too
            let whole = e.position / 4 * 4;
            data_encoding::BASE64_NOPAD.decode(&kept.as_bytes()[..whole.min(kept.len())])
        })
        .ok()?;
    (!bytes.is_empty()).then(|| lossy(&bytes))
}

fn base32(text: &str, args: &[&str]) -> Option<String> {
    let kept: String = text.chars().filter(|c| !c.is_whitespace() && *c != '=').collect();
    if args.contains(&"--base16") {
        return hex(&kept);
    }
    if args.contains(&"--base64") || args.contains(&"--base64url") {
        return base64(&kept);
    }
    data_encoding::BASE32_NOPAD.decode(kept.to_ascii_uppercase().as_bytes()).ok().map(|b| lossy(&b))
}

/// Hexadecimal, whatever separates it.
pub(super) fn hex(text: &str) -> Option<String> {
    let text = text.replace("0x", "").replace("\\x", "");
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(&digits[..digits.len() / 2 * 2]).ok()?;
    (!bytes.is_empty()).then(|| lossy(&bytes))
}

fn lossy(bytes: &[u8]) -> String {
    // UTF-16, as PowerShell has it
    let halves = bytes.len() >= 4
        && bytes.len().is_multiple_of(2)
        && bytes.iter().skip(1).step_by(2).filter(|b| **b == 0).count() * 2 > bytes.len() / 2;
    if halves {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]])).collect();
        return String::from_utf16_lossy(&units);
    }
    String::from_utf8_lossy(bytes).into_owned()
}

/// `tr SET1 SET2`, `tr -d SET`.
fn translated(args: &[&str], input: &str) -> Option<String> {
    let delete = args.iter().any(|a| a.starts_with('-') && a.contains('d'));
    let sets: Vec<Vec<char>> =
        args.iter().filter(|a| !a.starts_with('-') || a.len() == 1).map(|a| set(a)).collect();
    let from = sets.first()?;
    if delete {
        return Some(input.chars().filter(|c| !from.contains(c)).collect());
    }
    let to = sets.get(1)?;
    let last = to.last()?;
    Some(
        input
            .chars()
            .map(|c| from.iter().rposition(|f| *f == c).map_or(c, |at| *to.get(at).unwrap_or(last)))
            .collect(),
    )
}

fn set(text: &str) -> Vec<char> {
    let text = unescape(text)
        .replace("[:upper:]", "A-Z")
        .replace("[:lower:]", "a-z")
        .replace("[:alpha:]", "a-zA-Z")
        .replace("[:digit:]", "0-9");
    let chars: Vec<char> = text.chars().take(256).collect();
    let (mut set, mut at) = (Vec::new(), 0);
    while at < chars.len() {
        if chars.get(at + 1) == Some(&'-')
            && let Some(end) = chars.get(at + 2).filter(|e| **e >= chars[at] && **e < '\u{100}')
        {
            set.extend(chars[at]..=*end);
            at += 3;
        } else {
            set.push(chars[at]);
            at += 1;
        }
    }
    set
}

/// `sed s/a/b/g`, where `a` is no pattern.
fn substituted(args: &[&str], input: &str) -> Option<String> {
    let script = args.iter().find(|a| a.starts_with('s') && a.len() > 3)?;
    let mark = script[1..].chars().next()?;
    let mut parts = script[1 + mark.len_utf8()..].split(mark);
    let (from, to, flags) = (parts.next()?, parts.next()?, parts.next().unwrap_or_default());
    if from.is_empty() || from.chars().any(|c| "\\.*[^$".contains(c)) || to.contains(['\\', '&']) {
        return None;
    }
    if input.matches(from).take(LONGEST).count() * to.len() > LONGEST {
        return None;
    }
    Some(if flags.contains('g') { input.replace(from, to) } else { input.replacen(from, to, 1) })
}
