//! Rules on tool calls: checked as strictly as any other rule, and kept for when tool calls are ruled on.

use super::read::Reader;
use crate::config::yaml::Node;
use regex::Regex;
use std::fmt;

/// One condition on a tool call.
#[derive(Clone, Debug)]
pub(super) struct ToolCondition {
    pub field: String,
    pub test: ToolTest,
}

/// What the field must be like.
#[derive(Clone, Debug)]
pub(super) enum ToolTest {
    ContainsTaint(bool),
    SourceIs(String),
    ReaderLacks(String),
    MatchesPattern(Regex),
    ArgumentMatches(String),
    TaintLevelGte(u32),
    TaintLevelLte(u32),
    HasLabel(String),
}

impl fmt::Display for ToolCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.field)?;
        match &self.test {
            ToolTest::ContainsTaint(wanted) => write!(f, "contains_taint {wanted}"),
            ToolTest::SourceIs(source) => write!(f, "source_is {source}"),
            ToolTest::ReaderLacks(reader) => write!(f, "reader_lacks {reader}"),
            ToolTest::MatchesPattern(regex) => write!(f, "matches_pattern {}", regex.as_str()),
            ToolTest::ArgumentMatches(glob) => write!(f, "argument_matches {glob}"),
            ToolTest::TaintLevelGte(level) => write!(f, "taint_level_gte {level}"),
            ToolTest::TaintLevelLte(level) => write!(f, "taint_level_lte {level}"),
            ToolTest::HasLabel(label) => write!(f, "has_label {label}"),
        }
    }
}

/// The operators, in the order of the documentation.
pub(super) const OPERATORS: [(&str, Operator); 8] = [
    ("contains_taint", Operator::ContainsTaint),
    ("source_is", Operator::SourceIs),
    ("reader_lacks", Operator::ReaderLacks),
    ("matches_pattern", Operator::MatchesPattern),
    ("argument_matches", Operator::ArgumentMatches),
    ("taint_level_gte", Operator::TaintLevelGte),
    ("taint_level_lte", Operator::TaintLevelLte),
    ("has_label", Operator::HasLabel),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    ContainsTaint,
    SourceIs,
    ReaderLacks,
    MatchesPattern,
    ArgumentMatches,
    TaintLevelGte,
    TaintLevelLte,
    HasLabel,
}

/// Longest regular expression, and the memory its automaton may take.
const PATTERN: (usize, usize) = (2000, 1 << 20);

/// Compiles a linear-time regular expression.
pub(super) fn regex(reader: &mut Reader<'_>, node: &Node, path: &str) -> Option<Regex> {
    let text = reader.text(node, path)?;
    if text.len() > PATTERN.0 {
        reader.wrong(node, path, "is longer than 2000 bytes", "split it into several rules");
        return None;
    }
    match regex::RegexBuilder::new(text).size_limit(PATTERN.1).build() {
        Ok(regex) => Some(regex),
        Err(e) => {
            let why = e.to_string().lines().last().unwrap_or_default().trim().to_owned();
            reader.wrong(
                node,
                path,
                format!("does not compile: {why}"),
                "write a regular expression without look-around and back-references",
            );
            None
        }
    }
}

/// Reads the value that the operator needs.
pub(super) fn test(
    reader: &mut Reader<'_>,
    operator: Operator,
    value: &Node,
    path: &str,
) -> Option<ToolTest> {
    Some(match operator {
        Operator::ContainsTaint => ToolTest::ContainsTaint(reader.switch(value, path)?),
        Operator::SourceIs => ToolTest::SourceIs(reader.text(value, path)?.to_ascii_lowercase()),
        Operator::ReaderLacks => ToolTest::ReaderLacks(reader.text(value, path)?.to_owned()),
        Operator::MatchesPattern => ToolTest::MatchesPattern(regex(reader, value, path)?),
        Operator::ArgumentMatches => ToolTest::ArgumentMatches(reader.text(value, path)?.to_owned()),
        Operator::TaintLevelGte => ToolTest::TaintLevelGte(reader.number(value, path, 10)?),
        Operator::TaintLevelLte => ToolTest::TaintLevelLte(reader.number(value, path, 10)?),
        Operator::HasLabel => ToolTest::HasLabel(reader.text(value, path)?.to_ascii_lowercase()),
    })
}
