//! What `$name` and `${…}` stand for. What is not known stands for itself.

use super::act::{Field, Stream};
use super::expand::push;
use super::machine::Machine;
use super::words::one_word;

/// The value of what stands behind `$`, or between its braces.
pub(super) fn value(machine: &mut Machine, inner: &str, names_program: bool) -> Stream {
    if let Some(sum) = inner.strip_prefix("((") {
        let sum = sum.trim();
        return Stream::known(if sum.bytes().all(|b| b.is_ascii_digit()) {
            sum.to_owned()
        } else {
            calculate(sum).map_or_else(|| format!("$(({sum}))"), |n| n.to_string())
        });
    }
    if let Some(name) = inner.strip_prefix('#').filter(|n| !n.is_empty()) {
        let length = known(machine, name).map(|v| v.text.chars().count().to_string());
        return Stream::known(length.unwrap_or_else(|| format!("${{{inner}}}")));
    }
    if let Some(name) = inner.strip_prefix('!').filter(|n| !n.is_empty()) {
        let target = known(machine, name).map(|v| v.text).unwrap_or_default();
        return stream(machine, &target, inner, names_program);
    }
    let len = inner.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
    let len = if len == 0 { inner.chars().next().map_or(0, char::len_utf8) } else { len };
    let (name, mut operation) = inner.split_at(len);
    let mut name = name.to_owned();
    if let Some(rest) = operation.strip_prefix('[')
        && let Some((index, rest)) = rest.split_once(']')
    {
        name = format!("{name}[{index}]");
        operation = rest;
    }
    if operation.is_empty() {
        return stream(machine, &name, inner, names_program);
    }
    changed(machine, &name, operation, inner, names_program)
}

/// `${name:-word}`, `${name:1:2}`, `${name/x/y}`, `${name#x}`, `${name^^}`.
fn changed(machine: &mut Machine, name: &str, operation: &str, inner: &str, names_program: bool) -> Stream {
    let found = known(machine, name);
    let word = |machine: &mut Machine, text: &str| machine.field(&one_word(text, machine.depth()));
    for (sign, when_set) in [(":-", false), (":=", false), (":+", true), (":?", false)] {
        if let Some(text) = operation.strip_prefix(sign) {
            return match found {
                Some(field) if !when_set => of(field),
                None if when_set => Stream::known(""),
                _ if sign == ":?" => stream(machine, name, inner, names_program),
                _ => {
                    let field = word(machine, text);
                    if sign == ":=" {
                        machine.variables.insert(name.to_owned(), vec![field.clone()]);
                    }
                    of(field)
                }
            };
        }
    }
    for (sign, when_set) in [('-', false), ('=', false), ('+', true)] {
        if let Some(text) = operation.strip_prefix(sign) {
            return match found {
                Some(field) if !when_set => of(field),
                None if when_set => Stream::known(""),
                _ => of(word(machine, text)),
            };
        }
    }
    let Some(field) = found else {
        return if names_program { Stream::known("") } else { Stream::known(format!("${{{inner}}}")) };
    };
    let text = &field.text;
    let new = if let Some(range) = operation.strip_prefix(':') {
        slice(text, range)
    } else if let Some(rest) = operation.strip_prefix('/') {
        let (all, rest) = rest.strip_prefix('/').map_or((false, rest), |r| (true, r));
        let (from, to) = rest.split_once('/').unwrap_or((rest, ""));
        let (from, to) = (word(machine, from).text, word(machine, to).text);
        replaced(text, &from, &to, all)
    } else {
        trimmed(text, operation)
    };
    of(Field { text: new, ..field })
}

fn slice(text: &str, range: &str) -> String {
    let (from, len) = range.split_once(':').map_or((range, None), |(f, l)| (f, Some(l)));
    let whole = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let number = |t: &str| calculate(t.trim().trim_matches(['(', ')'])).unwrap_or(0);
    let from = number(from);
    let from = if from < 0 { (whole + from).max(0) } else { from.min(whole) };
    let len = len.map_or(whole, number);
    let end = if len < 0 { whole + len } else { from.saturating_add(len) };
    let take = usize::try_from(end - from).unwrap_or(0);
    text.chars().skip(usize::try_from(from).unwrap_or(0)).take(take).collect()
}

fn replaced(text: &str, from: &str, to: &str, all: bool) -> String {
    // `?` and `*` for any text are too rare to be worth more
    if from.is_empty() {
        return text.to_owned();
    }
    if from == "?" {
        return if all {
            to.repeat(text.chars().count().min(256))
        } else {
            format!("{to}{}", text.chars().skip(1).collect::<String>())
        };
    }
    let from = from.strip_prefix(['#', '%']).filter(|f| !f.is_empty()).unwrap_or(from);
    let new = if all { text.replace(from, to) } else { text.replacen(from, to, 1) };
    let mut out = String::new();
    push(&mut out, &new);
    out
}

fn trimmed(text: &str, operation: &str) -> String {
    let cut = |s: &str, pattern: &str, front: bool, long: bool| -> String {
        let bare = pattern.trim_matches('*');
        if bare.is_empty() {
            return if pattern.is_empty() { s.to_owned() } else { String::new() };
        }
        let open = if front { pattern.starts_with('*') } else { pattern.ends_with('*') };
        let same = |at: Option<usize>| {
            at.map_or_else(
                || s.to_owned(),
                |at| if front { s[at + bare.len()..].to_owned() } else { s[..at].to_owned() },
            )
        };
        if bare.contains('?') && bare.chars().all(|c| c == '?') {
            let n = bare.len();
            let count = s.chars().count();
            return if front {
                s.chars().skip(n).collect()
            } else {
                s.chars().take(count.saturating_sub(n)).collect()
            };
        }
        match (front, open) {
            (true, false) => s.strip_prefix(bare).unwrap_or(s).to_owned(),
            (false, false) => s.strip_suffix(bare).unwrap_or(s).to_owned(),
            (true, true) => same(if long { s.rfind(bare) } else { s.find(bare) }),
            (false, true) => same(if long { s.find(bare) } else { s.rfind(bare) }),
        }
    };
    for (sign, front, long) in
        [("##", true, true), ("#", true, false), ("%%", false, true), ("%", false, false)]
    {
        if let Some(pattern) = operation.strip_prefix(sign) {
            return cut(text, pattern, front, long);
        }
    }
    match operation {
        "^^" | "@U" => text.to_uppercase(),
        ",," | "@L" => text.to_lowercase(),
        "^" | "," => {
            let mut chars = text.chars();
            let first = chars
                .next()
                .map(|c| if operation == "^" { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() });
            first.into_iter().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

/// The value of a name; one that is not known stands as `$name`.
fn stream(machine: &mut Machine, name: &str, inner: &str, names_program: bool) -> Stream {
    match known(machine, name) {
        Some(field) => of(field),
        // a name nobody set is empty in `r${x}m`
        None if names_program => Stream::known(""),
        None => Stream::known(
            if inner.len() == 1 || inner.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                format!("${inner}")
            } else {
                format!("${{{inner}}}")
            },
        ),
    }
}

fn of(field: Field) -> Stream {
    Stream { text: Some(field.text), from: field.from, tricks: field.tricks }
}

/// What a name stands for, if that is known.
fn known(machine: &Machine, name: &str) -> Option<Field> {
    if let Some((name, index)) = name.split_once('[') {
        let values = machine.variables.get(name)?;
        let index = index.trim_end_matches(']');
        if matches!(index, "@" | "*") {
            return Some(all(values));
        }
        return values.get(index.parse::<usize>().ok()?).cloned();
    }
    if matches!(name, "@" | "*") {
        return Some(machine.positional.get(1..).map(all).unwrap_or_default());
    }
    if let Ok(n) = name.parse::<usize>() {
        return machine
            .positional
            .get(n)
            .cloned()
            .or_else(|| machine.positional.is_empty().then(Field::default));
    }
    if let Some(values) = machine.variables.get(name) {
        return Some(values.first().cloned().unwrap_or_default());
    }
    let usual = match name {
        "HOME" => "/home/user",
        "IFS" => " \t\n",
        "SHELL" | "BASH" => "/bin/bash",
        "PATH" => "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "OSTYPE" => "linux-gnu",
        "#" => "0",
        "?" => "0",
        _ => return None,
    };
    Some(Field::new(usual))
}

fn all(fields: &[Field]) -> Field {
    let mut one = Field::default();
    for (i, field) in fields.iter().enumerate() {
        if i > 0 {
            push(&mut one.text, " ");
        }
        push(&mut one.text, &field.text);
        super::act::join(&mut one.from, &field.from);
        one.tricks.add(field.tricks);
    }
    one
}

/// Whole numbers joined by `+`, `-` and `*`, from left to right: `$((1+1))`.
fn calculate(sum: &str) -> Option<i64> {
    let (mut value, mut sign, mut number) = (0_i64, '+', String::new());
    let trimmed = sum.trim();
    let (negative, trimmed) = trimmed.strip_prefix('-').map_or((false, trimmed), |t| (true, t));
    if negative {
        sign = '-';
    }
    for c in trimmed.chars().chain(['+']) {
        if c.is_ascii_digit() && number.len() < 12 {
            number.push(c);
        } else if "+-*".contains(c) {
            let n: i64 = number.parse().ok()?;
            value = match sign {
                '+' => value.checked_add(n)?,
                '-' => value.checked_sub(n)?,
                _ => value.checked_mul(n)?,
            };
            (sign, number) = (c, String::new());
        } else if c != ' ' {
            return None;
        }
    }
    Some(value)
}
