//! The built-in policies, and what `extends` makes of them.

use super::document::{AnyRule, Document, read};
use crate::config::{Place, Preset, Problem, yaml::Spot};

/// Names that `extends` takes.
pub(super) const NAMES: [&str; 3] = ["max", "balanced", "permissive"];

/// A preset's YAML, as it can be exported and changed.
#[must_use]
pub fn text(preset: Preset) -> &'static str {
    match preset {
        Preset::Max => include_str!("../../config/policies/max.yaml"),
        Preset::Balanced => include_str!("../../config/policies/balanced.yaml"),
        Preset::Permissive => include_str!("../../config/policies/permissive.yaml"),
    }
}

/// A preset with what it extends.
pub(super) fn document(preset: Preset) -> Result<Document, Vec<Problem>> {
    let source = match preset {
        Preset::Max => "preset max",
        Preset::Balanced => "preset balanced",
        Preset::Permissive => "preset permissive",
    };
    resolve(read(text(preset), source)?, source, 0)
}

/// Puts what the document extends behind it. A rule of the same name takes the place of the inherited one.
pub(super) fn resolve(mut child: Document, source: &str, depth: usize) -> Result<Document, Vec<Problem>> {
    let Some(name) = child.extends.take() else { return Ok(child) };
    let preset = match name.as_str() {
        "max" => Preset::Max,
        "permissive" => Preset::Permissive,
        _ => Preset::Balanced,
    };
    if depth >= NAMES.len() {
        return Err(vec![Problem {
            place: Place::File { name: source.to_owned(), at: Spot::default() },
            key: "extends".into(),
            found: Some(name),
            what: "extends itself".into(),
            instead: "break the circle".into(),
        }]);
    }
    let parent = resolve(read(text(preset), &name)?, &name, depth + 1)?;
    child.escalate = child.escalate.or(parent.escalate);
    child.refuse_at = child.refuse_at.or(parent.refuse_at);
    child.request_default = child.request_default.or(parent.request_default);
    let is_new = |rule: &AnyRule| child.rules.iter().all(|own| own.head().name != rule.head().name);
    let inherited: Vec<AnyRule> = parent.rules.into_iter().filter(|rule| is_new(rule)).collect();
    child.rules.extend(inherited);
    Ok(child)
}
