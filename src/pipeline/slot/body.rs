//! Slots in a body that is there in full: which kind of body it is, where in it a slot stands, and how a value is written
//! there.

use super::{json, multipart};
use crate::base::secret::Secret;
use crate::config::Slot;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};
use std::ops::Range;

/// What the head says a body is, as far as slots go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyForm {
    /// `application/json` and what ends in `+json`, in UTF-8.
    Json,
    /// `application/x-www-form-urlencoded`.
    Urlencoded,
    /// `multipart/form-data` with its boundary.
    Multipart(Box<[u8]>),
    /// No slot stands in it.
    Other,
}

/// What stands in a slot of a body.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing, or nothing that could be a placeholder.
    Nothing,
    /// Exactly one value, written in these bytes.
    One {
        /// What is to be replaced.
        span: Range<usize>,
        /// What is written there, decoded.
        value: Secret,
    },
    /// It is there twice, or the body is not what its head says.
    Unclear,
}

/// What the head says of the body.
#[must_use]
pub(super) fn form_of(headers: &HeaderMap) -> BodyForm {
    let mut all = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (all.next(), all.next()) else { return BodyForm::Other };
    let Ok(text) = value.to_str() else { return BodyForm::Other };
    let (kind, parameters) = text.split_once(';').unwrap_or((text, ""));
    let kind = kind.trim().to_ascii_lowercase();
    let parameter = |name: &str| {
        parameters.split(';').filter_map(|p| p.split_once('=')).find_map(|(key, value)| {
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
        })
    };
    let utf8 = parameter("charset").is_none_or(|c| c.eq_ignore_ascii_case("utf-8"));
    match kind.as_str() {
        "application/x-www-form-urlencoded" => BodyForm::Urlencoded,
        "multipart/form-data" => match parameter("boundary").filter(|b| (1..=70).contains(&b.len())) {
            Some(boundary) => BodyForm::Multipart(boundary.into_bytes().into()),
            None => BodyForm::Other,
        },
        "application/json" if utf8 => BodyForm::Json,
        kind if utf8 && kind.starts_with("application/") && kind.ends_with("+json") => BodyForm::Json,
        _ => BodyForm::Other,
    }
}

/// What stands for itself in a form.
const FIELD: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'*');

impl BodyForm {
    /// Can this slot stand in such a body?
    #[must_use]
    pub fn has(&self, slot: &Slot) -> bool {
        match slot {
            Slot::Json { .. } => *self == Self::Json,
            Slot::Form { .. } => matches!(self, Self::Urlencoded | Self::Multipart(_)),
            _ => false,
        }
    }

    /// What stands in the slot; `text`: the whole body, decoded.
    #[must_use]
    pub fn find(&self, slot: &Slot, text: &[u8]) -> Found {
        match (self, slot) {
            (Self::Json, Slot::Json { pointer }) => json::find(text, pointer),
            (Self::Urlencoded, Slot::Form { name }) => urlencoded(text, name),
            (Self::Multipart(boundary), Slot::Form { name }) => multipart::find(text, boundary, name),
            _ => Found::Nothing,
        }
    }

    /// The value as it has to be written into the span of [`BodyForm::find`].
    ///
    /// # Errors
    /// When it cannot stand there; the value is not in the text.
    pub fn written(&self, value: &Secret) -> Result<Box<[u8]>, &'static str> {
        let bytes = value.expose();
        match self {
            Self::Json => json::written(value),
            Self::Urlencoded => Ok(percent_encode(bytes, FIELD).to_string().into_bytes().into()),
            Self::Multipart(_) if bytes.iter().any(|b| matches!(b, b'\r' | b'\n' | 0)) => {
                Err("the value would break the form's field")
            }
            Self::Multipart(_) => Ok(bytes.into()),
            Self::Other => Err("the body has no slots"),
        }
    }
}

/// The slots that the body of one request has by its head: each with the secret it is for, by its index in the vault
/// generation.
#[derive(Debug)]
pub struct BodySlots {
    form: BodyForm,
    slots: Vec<(Slot, usize)>,
}

/// What stands in one of them.
#[derive(Debug)]
pub struct Stands {
    /// Which of the slots, in the order they were given.
    pub nth: usize,
    /// The number that was given with the slot.
    pub of: usize,
    /// Its bytes in the body.
    pub span: Range<usize>,
    /// What is written there, decoded.
    pub value: Secret,
}

impl BodySlots {
    /// Those of the given slots that can stand in such a body, each with a number that comes back with what is found.
    #[must_use]
    pub fn of(headers: &HeaderMap, slots: impl IntoIterator<Item = (Slot, usize)>) -> Self {
        let form = form_of(headers);
        let slots = slots.into_iter().filter(|(slot, _)| form.has(slot)).collect();
        Self { form, slots }
    }

    /// None at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Is one of them for this?
    #[must_use]
    pub fn has(&self, of: usize) -> bool {
        self.slots.iter().any(|(_, own)| *own == of)
    }

    /// One of them, by [`Stands::nth`].
    #[must_use]
    pub fn slot(&self, nth: usize) -> Option<&Slot> {
        self.slots.get(nth).map(|(slot, _)| slot)
    }

    /// What stands in them; `text`: the whole body, decoded.
    #[must_use]
    pub fn find(&self, text: &[u8]) -> Vec<Stands> {
        let found =
            self.slots.iter().enumerate().filter_map(|(nth, (slot, of))| match self.form.find(slot, text) {
                Found::One { span, value } => Some(Stands { nth, of: *of, span, value }),
                Found::Nothing | Found::Unclear => None,
            });
        found.collect()
    }

    /// The value as it has to be written in place of what stands there.
    ///
    /// # Errors
    /// As [`BodyForm::written`].
    pub fn written(&self, value: &Secret) -> Result<Box<[u8]>, &'static str> {
        self.form.written(value)
    }
}

fn urlencoded(text: &[u8], name: &str) -> Found {
    let (mut at, mut found) = (0, Found::Nothing);
    for pair in text.split(|b| *b == b'&') {
        let equals = pair.iter().position(|b| *b == b'=');
        let (key, value_at) = equals.map_or((pair, pair.len()), |i| (&pair[..i], i + 1));
        if unescaped(key) == name.as_bytes() {
            if found != Found::Nothing {
                return Found::Unclear;
            }
            let value = Secret::new(unescaped(&pair[value_at..]));
            found = Found::One { span: at + value_at..at + pair.len(), value };
        }
        at += pair.len() + 1;
    }
    match found {
        Found::One { value, .. } if value.is_empty() => Found::Nothing,
        found => found,
    }
}

fn unescaped(text: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = text.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
    percent_decode(&spaced).collect()
}
