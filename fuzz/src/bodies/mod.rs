//! What is done with the bytes of a fuzzer, or of a kept input: a body for each engine, view and parser. A body panics where a
//! promise is broken. Fuzzers and the replaying test (`tests/fuzz.rs`) both use these and nothing else.

mod expand;
mod files;
mod input;
mod judge;
mod parts;
mod scan;
mod shell;

/// A target's name, and what it does with bytes.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// All there are.
pub(crate) const TARGETS: &[Target] = &[
    ("engine", scan::engine),
    ("covert", scan::covert_signs),
    ("views", scan::views),
    ("classifier", scan::classifier),
    ("model", scan::model),
    ("excerpt", scan::excerpt),
    ("parts", parts::parts),
    ("events", parts::events),
    ("judge", judge::judge),
    ("stream", judge::stream),
    ("commands", shell::commands),
    ("rules", files::rules),
    ("command_rules", files::command_rules),
    ("allow", files::allow),
];
