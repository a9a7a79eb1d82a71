//! What the engine asks of a pattern: that its longest match is known, and that it looks at nothing before or behind it.

/// No match is longer, so nothing holds back more.
const LONGEST_MATCH: usize = 2048;

/// The most bytes a match can have. What a rule says must not depend on anything farther away, or before its keyword.
pub(super) fn longest_match(pattern: &str, fold: bool) -> Result<usize, String> {
    let hir = regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .case_insensitive(fold)
        .build()
        .parse(pattern)
        .map_err(|e| e.to_string())?;
    let properties = hir.properties();
    if !properties.look_set_prefix_any().is_empty() {
        return Err("the pattern looks at what stands before its keyword".into());
    }
    if properties.look_set().contains_anchor() || properties.look_set().contains_word_unicode() {
        return Err("the pattern asks where the text ends, which a stream does not know: use \\b".into());
    }
    match properties.maximum_len() {
        Some(len) if len <= LONGEST_MATCH => Ok(len),
        Some(len) => Err(format!("a match may have {len} bytes, at most {LONGEST_MATCH} are allowed")),
        None => Err("the pattern is unbounded: give every repetition an upper bound".into()),
    }
}
