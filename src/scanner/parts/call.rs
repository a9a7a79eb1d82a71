//! What a tool is called with, argument by argument: texts, lists of words as one command line, JSON in a string.

use super::Part;
use super::string::unescape;
use super::tape::{Item, Kind};
use super::walk::{Of, Show};
use crate::scanner::Surface;

/// Deeper arguments are looked at text by text.
const DEEPEST: usize = 8;
/// Arguments that are a command, or a program.
const COMMANDS: [&str; 16] = [
    "command",
    "cmd",
    "commands",
    "script",
    "code",
    "shell",
    "bash",
    "args",
    "argv",
    "exec",
    "powershell",
    "shell_command",
    "command_line",
    "commandline",
    "program",
    "source_code",
];
/// What a tool that runs commands has in its name.
const SHELLS: [&str; 8] =
    ["bash", "shell", "terminal", "exec", "command", "console", "powershell", "subprocess"];
/// Arguments that are a command where the tool runs commands.
const INPUTS: [&str; 6] = ["input", "text", "query", "value", "keystrokes", "data"];

/// Shows the arguments.
pub(super) fn arguments(tool: Option<&[u8]>, value: Item<'_>, show: &mut Show<'_, '_>) {
    argument(Of::new(Surface::ToolCall, tool), value, 0, show);
}

fn argument(of: Of<'_>, value: Item<'_>, depth: usize, show: &mut Show<'_, '_>) {
    match value.kind() {
        _ if depth > DEEPEST => show.every(value, of),
        Kind::Object => {
            for (key, inner) in value.fields() {
                argument(Of { field: Some(key.raw()), ..of }, inner, depth + 1, show);
            }
        }
        Kind::Array if value.items().all(|i| i.kind() == Kind::Text) => {
            show.made(value, &line(value), of);
            // or each is a command of its own
            value.items().filter(|i| i.raw().contains(&b' ')).for_each(|i| show.one(i, of));
        }
        Kind::Array => value.items().for_each(|inner| argument(of, inner, depth + 1, show)),
        Kind::Text if is_json(value.raw()) => {
            show.within(value, &mut |inner, show| argument(of, inner, depth + 1, show));
            // a shell's commands may begin so too
            show.one(value, of);
        }
        _ => show.one(value, of),
    }
}

fn is_json(raw: &[u8]) -> bool {
    matches!(raw.trim_ascii_start().first(), Some(b'{' | b'['))
}

/// Words as a shell would be given them.
fn line(words: Item<'_>) -> Vec<u8> {
    let mut line = Vec::new();
    let mut word = Vec::new();
    for item in words.items() {
        word.clear();
        unescape(item.raw(), &mut word);
        if !line.is_empty() {
            line.push(b' ');
        }
        let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_./=:,@%+~".contains(b);
        if word.iter().all(plain) {
            line.extend_from_slice(&word);
            continue;
        }
        line.push(b'\'');
        for b in &word {
            match b {
                b'\'' => line.extend_from_slice(br"'\''"),
                b => line.push(*b),
            }
        }
        line.push(b'\'');
    }
    line
}

/// Is the part a command that a tool is called to run?
#[must_use]
pub fn command_like(part: &Part<'_>) -> bool {
    if part.surface != Surface::ToolCall {
        return false;
    }
    let (field, tool) = (part.field.unwrap_or_default(), part.tool.unwrap_or_default());
    let is = |words: &[&str]| words.iter().any(|w| field.eq_ignore_ascii_case(w.as_bytes()));
    let has = |word: &&str| tool.windows(word.len()).any(|w| w.eq_ignore_ascii_case(word.as_bytes()));
    is(&COMMANDS) || SHELLS.iter().any(has) && (field.is_empty() || is(&INPUTS))
}
