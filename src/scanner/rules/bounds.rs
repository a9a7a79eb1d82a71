//! What the engine asks of a pattern: that its longest match is known, that it looks at nothing before or behind it, and
//! which bytes may follow a keyword.

use regex_syntax::hir::Hir;
use regex_syntax::hir::literal::Extractor;

use crate::scanner::search::Next;

/// No match is longer, so nothing holds back more.
pub(in crate::scanner) const LONGEST_MATCH: usize = 2048;

/// A keyword of so many bytes is short.
pub(in crate::scanner) const SHORT: usize = 4;

/// So many beginnings of a pattern are looked at.
const BEGINNINGS: usize = 512;

/// A pattern, taken apart.
///
/// # Errors
/// What is wrong with it.
pub(in crate::scanner) fn parsed(pattern: &str, fold: bool) -> Result<Hir, String> {
    regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .case_insensitive(fold)
        .build()
        .parse(pattern)
        .map_err(|e| e.to_string())
}

/// The bytes that follow `keyword` in any match that begins with it. Only looked for where it pays: behind short keywords.
pub(in crate::scanner) fn following(hir: &Hir, keyword: &str) -> Next {
    if keyword.len() > SHORT {
        return Next::ANY;
    }
    let mut extractor = Extractor::new();
    extractor.limit_class(80).limit_repeat(4).limit_literal_len(keyword.len() + 1).limit_total(BEGINNINGS);
    let beginnings = extractor.extract(hir);
    let Some(literals) = beginnings.literals() else { return Next::ANY };
    let mut next = Next::NONE;
    for literal in literals {
        match literal.as_bytes().strip_prefix(keyword.as_bytes()) {
            Some([b, ..]) => next.add(*b),
            // shorter than the keyword and one byte: too little is known
            _ if keyword.as_bytes().starts_with(literal.as_bytes()) => return Next::ANY,
            _ => {}
        }
    }
    if next == Next::NONE { Next::ANY } else { next }
}

/// The most bytes a match can have. What a rule says must not depend on anything farther away, or before its keyword.
pub(in crate::scanner) fn longest_match(hir: &Hir) -> Result<usize, String> {
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
