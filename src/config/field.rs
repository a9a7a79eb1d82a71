//! One value as it was written, and the kinds of value it can be asked to be.

use super::problem::{Place, meant, shown};
use super::values::{self, Wrong, wrong};
use super::yaml::Value;

/// One value that was written somewhere.
#[derive(Clone)]
pub(super) struct Field {
    pub(super) place: Place,
    pub(super) path: String,
    pub(super) value: Value,
}

impl Field {
    /// Text; numbers and booleans are not taken for it.
    pub(super) fn text(&self) -> Result<&str, Wrong> {
        match &self.value {
            Value::Text(t) => Ok(t),
            other => {
                wrong(format!("is {}, not text", kind(other)), "put it in quotes if it is meant as text")
            }
        }
    }

    /// `true` or `false`.
    pub(super) fn switch(&self) -> Result<bool, Wrong> {
        match (&self.value, &self.place) {
            (Value::Bool(b), _) => Ok(*b),
            (Value::Text(t), Place::Env(_)) if t == "true" || t == "false" => Ok(t == "true"),
            _ => wrong("is neither true nor false", "write true or false"),
        }
    }

    /// A whole number within bounds.
    pub(super) fn number(&self, least: u64, most: u64) -> Result<u64, Wrong> {
        let n = match (&self.value, &self.place) {
            (Value::Int(n), _) => u64::try_from(*n).ok(),
            (Value::Text(t), Place::Env(_)) => t.parse().ok(),
            _ => None,
        };
        within(n, least, most, "number", &|n| n.to_string())
    }

    /// A size within bounds: a plain number, or text with a unit.
    pub(super) fn size(&self, least: u64, most: u64) -> Result<u64, Wrong> {
        let n = match &self.value {
            Value::Int(n) => u64::try_from(*n).ok(),
            _ => Some(values::size(self.text()?)?),
        };
        let print = |n: u64| {
            let v = values::print_size(n);
            v.as_str().map_or_else(|| v.to_string(), str::to_owned)
        };
        within(n, least, most, "size", &print)
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, Wrong> {
        let text = match &self.value {
            Value::Text(t) => t.as_str(),
            _ => "",
        };
        if let Some((_, value)) = words.iter().find(|(w, _)| *w == text) {
            return Ok(*value);
        }
        let all = words.iter().map(|(w, _)| *w).collect::<Vec<_>>().join(", ");
        let instead = match meant(text, words.iter().map(|(w, _)| *w)) {
            Some(w) if !text.is_empty() => format!("write one of {all}; did you mean `{w}`?"),
            _ => format!("write one of {all}"),
        };
        wrong("is not one of the choices", instead)
    }

    /// What may stand in a message; lists and sections are not repeated.
    pub(super) fn shown(&self) -> Option<String> {
        match &self.value {
            Value::Text(t) => Some(shown(t)),
            Value::Bool(b) => Some(b.to_string()),
            Value::Int(n) => Some(n.to_string()),
            Value::Float(n) => Some(n.to_string()),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }
}

fn within(
    n: Option<u64>,
    least: u64,
    most: u64,
    what: &str,
    print: &dyn Fn(u64) -> String,
) -> Result<u64, Wrong> {
    match n {
        Some(n) if (least..=most).contains(&n) => Ok(n),
        Some(_) => {
            wrong("is out of range", format!("write a {what} from {} to {}", print(least), print(most)))
        }
        None => wrong(
            format!("is not a {what}"),
            format!("write a {what} from {} to {}", print(least), print(most)),
        ),
    }
}

/// What kind of value it is, for a message.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Int(_) | Value::Float(_) => "a number",
        Value::Text(_) => "text",
        Value::List(_) => "a list",
        Value::Map(_) => "a section",
    }
}
