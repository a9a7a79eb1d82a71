//! What is done with the bytes of a fuzzer, or of a kept input: a body for each engine, view and parser. A body panics where a
//! promise is broken. Fuzzers and the replaying test (`tests/fuzz.rs`) both use these and nothing else.

mod disk;
mod expand;
mod files;
mod input;
mod judge;
mod parts;
mod scan;
mod settings;
mod shell;
mod unpack;
mod wire;

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
    ("unpack", unpack::unpack),
    ("yaml", settings::yaml_text),
    ("config", settings::config),
    ("policy", settings::policy),
    ("names", settings::names),
    ("head", wire::head),
    ("decode", wire::decode),
    ("slots", wire::slots),
    ("head_slots", wire::head_slots),
    ("signatures", wire::signatures),
    ("scrub", wire::scrub),
    ("import", disk::import),
    ("ancestor", disk::ancestor),
    ("trail", disk::trail),
    ("seen_tools", disk::seen_tools),
];
