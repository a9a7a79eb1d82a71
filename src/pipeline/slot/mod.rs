//! Where in a request a credential stands: reads what is in a slot, says which bytes it takes up, and puts a value there.
//! Only `inject_credentials` fills; `scrub_secrets` reads, to let alone what belongs where it stands.

mod field;
mod target;
mod body;
mod json;
mod multipart;
mod parameters;

pub use body::{BodyForm, BodySlots, Stands};
pub use target::{query_spans, with_path_and_query};

use super::RequestHead;
use crate::base::secret::Secret;
use crate::config::Slot;
use http::HeaderName;
use http::header::{AUTHORIZATION, COOKIE};
use std::ops::Range;

/// What an agent sent in a slot.
#[derive(Debug, PartialEq, Eq)]
pub enum Occupant {
    /// The slot is not there, or empty, or has the scheme and nothing behind it.
    Nothing,
    /// Exactly one value. Of Basic credentials the half that is the slot, of a header what follows its scheme.
    One(Secret),
    /// The slot is there twice, or in a form that cannot be read.
    Unclear,
}

/// Which bytes of a head a slot takes up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Region {
    /// Every line of this header.
    Header(HeaderName),
    /// These bytes of the one value of this header.
    Within(HeaderName, Vec<Range<usize>>),
    /// These bytes of path and query.
    Target(Vec<Range<usize>>),
    /// None.
    Nowhere,
}

/// What stands in a slot of the head now. A slot of the body is never there.
#[must_use]
pub fn occupant(head: &RequestHead, slot: &Slot) -> Occupant {
    match slot {
        Slot::Header { name, scheme } => field::header(head, name, scheme.as_deref()),
        Slot::Basic { .. } => field::basic(head, field::Half::Password),
        Slot::BasicUser { .. } => field::basic(head, field::Half::User),
        Slot::Cookie { name } => field::cookie(head, name),
        Slot::Query { name } => target::query(head, name),
        Slot::Path { template } => target::segment(head, template),
        Slot::Form { .. } | Slot::Json { .. } => Occupant::Nothing,
    }
}

/// Where the slot is in this head, whatever stands in it.
#[must_use]
pub fn region(head: &RequestHead, slot: &Slot) -> Region {
    match slot {
        Slot::Header { name, .. } => name.parse().map_or(Region::Nowhere, Region::Header),
        Slot::Basic { .. } | Slot::BasicUser { .. } => Region::Header(AUTHORIZATION),
        Slot::Cookie { name } => Region::Within(COOKIE, field::cookie_spans(head, name)),
        Slot::Query { name } => {
            // as it came: of `http://host?a=b`, the path is a slash that does not stand there
            let target = head.uri.path_and_query().map_or("", |p| p.as_str());
            let query_at = target.find('?').map_or(0, |i| i + 1);
            let spans = query_spans(&head.uri, name).into_iter();
            Region::Target(spans.map(|s| s.start + query_at..s.end + query_at).collect())
        }
        Slot::Path { template } => {
            Region::Target(target::segment_span(head.uri.path(), template).into_iter().collect())
        }
        Slot::Form { .. } | Slot::Json { .. } => Region::Nowhere,
    }
}

/// Puts the value into a slot of the head, in place of whatever was there.
///
/// # Errors
/// When the value cannot stand in such a slot; the value is not in the text.
pub fn fill(head: &mut RequestHead, slot: &Slot, value: &Secret) -> Result<(), &'static str> {
    match slot {
        Slot::Header { name, scheme } => field::put_header(head, name, scheme.as_deref(), value),
        Slot::Basic { user } => field::put_basic(head, field::Half::Password, user, value),
        Slot::BasicUser { password } => field::put_basic(head, field::Half::User, password, value),
        Slot::Cookie { name } => field::put_cookie(head, name, value),
        Slot::Query { name } => target::put_query(head, name, value),
        Slot::Path { template } => target::put_segment(head, template, value),
        Slot::Form { .. } | Slot::Json { .. } => Err("the slot is in the body"),
    }
}

#[cfg(test)]
mod tests;
