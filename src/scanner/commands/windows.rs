//! cmd.exe and PowerShell: carets, substrings of variables, encoded commands, cut-off names of flags.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::act::{Act, Tricks};
use super::prints;

/// Variables that are the same nearly everywhere.
const VARIABLES: &[(&str, &str)] = &[
    ("comspec", r"C:\WINDOWS\system32\cmd.exe"),
    ("systemroot", r"C:\WINDOWS"),
    ("windir", r"C:\WINDOWS"),
    ("programfiles", r"C:\Program Files"),
    ("public", r"C:\Users\Public"),
    ("appdata", r"C:\Users\user\AppData\Roaming"),
    ("temp", r"C:\Users\user\AppData\Local\Temp"),
    ("userprofile", r"C:\Users\user"),
    ("pathext", ".COM;.EXE;.BAT;.CMD;.VBS"),
    ("os", "Windows_NT"),
    ("systemdrive", "C:"),
    ("homedrive", "C:"),
];
static SUBSTRING: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"%([A-Za-z_]+)(?::~(-?[0-9]{1,4})(?:,(-?[0-9]{1,4}))?)?%").ok());
static SET: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?i)\bset\s+"?([a-z_]\w{0,40})=([^&|"\r\n]{0,400})"#).ok());
static JOINED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"(?:'\s*\+\s*'|"\s*\+\s*")"#).ok());
static FORMAT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"["']((?:\{\d{1,2}\}){2,20})["']\s*-f\s*((?:\s*,?\s*["'][^"']{0,80}["']){1,20})"#).ok()
});
static PIECE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"["']([^"']{0,80})["']"#).ok());

/// The text as cmd.exe or PowerShell would read it, if it is written for one of them; none if it is not, or says nothing else so.
pub(super) fn plain(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let signs = text.contains('^')
        || text.contains('%')
        || text.contains('`')
        || text.contains("'+'")
        || text.contains("\"+\"")
        || text.contains("' + '")
        || text.contains("-f");
    let windows = ["cmd", "powershell", "pwsh", "iex", "iwr", "%comspec", "%", "^", "set ", "invoke", "&("]
        .iter()
        .any(|w| lower.contains(w));
    let paths = ["c:\\", "hkcu\\", "hklm\\", "hkcu:\\", "hklm:\\", "hkey_"].iter().any(|p| lower.contains(p));
    if !(signs && windows || paths) {
        return None;
    }
    let mut new = variables(text);
    new = new.replace("^\r\n", "").replace("^\n", "");
    let carets = new.replace("^^", "\0").replace('^', "").replace('\0', "^");
    // a caret is cmd's; a backquote before a letter PowerShell's
    let mut plain = if lower.contains("powershell")
        || lower.contains("iex")
        || lower.contains("iwr")
        || lower.contains("invoke")
        || lower.contains('`') && !lower.contains("$(")
    {
        ticks(&carets)
    } else {
        carets
    };
    if let Some(joined) = JOINED.as_ref() {
        plain = joined.replace_all(&plain, "").into_owned();
    }
    plain = formats(&plain);
    if paths || plain.to_ascii_lowercase().contains("c:\\") {
        // to a shell of Unix, a backslash would vanish
        plain = plain.replace('\\', "\\\\");
    }
    (plain != text).then_some(plain)
}

/// `%VAR%` and `%VAR:~0,1%`.
fn variables(text: &str) -> String {
    let mut known: Vec<(String, String)> =
        VARIABLES.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    known.extend(
        SET.iter()
            .flat_map(|r| r.captures_iter(text))
            .take(64)
            .map(|c| (c[1].to_lowercase(), c[2].to_owned())),
    );
    let Some(regex) = SUBSTRING.as_ref() else { return text.to_owned() };
    regex
        .replace_all(text, |found: &Captures<'_>| {
            let name = found[1].to_lowercase();
            let Some((_, value)) = known.iter().rev().find(|(n, _)| *n == name) else {
                return found[0].to_owned();
            };
            let count = i32::try_from(value.chars().count()).unwrap_or(0);
            let number = |i: usize| found.get(i).and_then(|m| m.as_str().parse::<i32>().ok());
            let from = number(2).unwrap_or(0);
            let from = if from < 0 { (count + from).max(0) } else { from.min(count) };
            let len = number(3).unwrap_or(count);
            let end = if len < 0 { count + len } else { (from + len).min(count) };
            value
                .chars()
                .skip(usize::try_from(from).unwrap_or(0))
                .take(usize::try_from(end - from).unwrap_or(0))
                .collect()
        })
        .into_owned()
}

/// `` i`e`x `` is `iex`.
fn ticks(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '`' || !chars.peek().is_some_and(|n| n.is_alphanumeric() || *n == '-') {
            out.push(c);
        }
    }
    out
}

/// `"{1}{0}" -f 'x','ie'` is `iex`.
fn formats(text: &str) -> String {
    let Some(regex) = FORMAT.as_ref() else { return text.to_owned() };
    regex
        .replace_all(text, |found: &Captures<'_>| {
            let pieces: Vec<String> =
                PIECE.iter().flat_map(|r| r.captures_iter(&found[2])).map(|c| c[1].to_owned()).collect();
            found[1]
                .split(['{', '}'])
                .filter_map(|n| n.parse::<usize>().ok())
                .filter_map(|n| pieces.get(n))
                .cloned()
                .collect::<String>()
        })
        .into_owned()
}

/// The code that a Windows shell's words carry.
pub(super) fn code(act: &Act) -> Option<(String, Tricks)> {
    let args = || act.args.iter().map(|a| a.text.as_str());
    let rest = |from: usize| {
        act.args[from.min(act.args.len())..].iter().map(|a| a.text.as_str()).collect::<Vec<_>>().join(" ")
    };
    match act.program.as_str() {
        "cmd" => args()
            .position(|a| matches!(a.to_ascii_lowercase().as_str(), "/c" | "/k" | "/r"))
            .map(|at| (rest(at + 1), Tricks::default())),
        "powershell" | "pwsh" => {
            let flag = |a: &str, whole: &str, least: usize| {
                let a = a.to_ascii_lowercase().replace('/', "-");
                a.len() > least && a.starts_with('-') && whole.starts_with(&a[1..])
            };
            if let Some(at) = args().position(|a| {
                flag(a, "encodedcommand", 1) || a.eq_ignore_ascii_case("-ec") || a.eq_ignore_ascii_case("-en")
            }) {
                return prints::base64(&act.args.get(at + 1)?.text).map(|t| (t, Tricks::WINDOWS));
            }
            args().position(|a| flag(a, "command", 1)).map(|at| (rest(at + 1), Tricks::default()))
        }
        _ => None,
    }
}

#[cfg(test)]
pub(super) fn expressions_compile() -> bool {
    [&SUBSTRING, &SET, &JOINED, &FORMAT, &PIECE].iter().all(|r| r.is_some())
}
