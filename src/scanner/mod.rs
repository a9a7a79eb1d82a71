//! Finds secrets on their way out and injected instructions on their way in. Rules are data (`config/rules`); one search for
//! keywords walks the text, a rule's pattern is tried only where one of its keywords stands. What to do about a finding is
//! the pipeline's business.

pub mod classifier;
mod coded;
pub mod commands;
mod covert;
mod deep;
mod excerpt;
mod judge;
pub mod parts;
mod rules;
mod search;
mod together;
pub mod views;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

pub use coded::{CODED, Coded, coded};
pub use excerpt::excerpt;
pub use judge::{
    AllowList, Allowance, Judge, Listed, MAX, Piece, Place, STRICT, Step, Stream, Subject, Verdict,
};
pub use rules::{BUILTIN, Facts, Rule};
pub use together::together;

use search::{Lane, Rarity};
use views::{Path, Purse};

/// Which way the text travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the agent to a server.
    Request,
    /// From a server to the agent.
    Response,
}

/// Which part of a message the text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Surface {
    /// Path and query.
    Url,
    /// A header's value, or a trailer's.
    Header,
    /// The body, decoded.
    Body,
    /// What tells a model how to behave: part of a body.
    SystemPrompt,
    /// What a person says to a model: part of a body.
    UserTurn,
    /// What a tool, a resource or a fetched page gave: part of a body.
    ToolResult,
    /// What a tool is called with: part of a body.
    ToolCall,
    /// What a tool says of itself, its parameters included: part of a body.
    ToolDescription,
}

impl Surface {
    /// Is it a body, or part of one?
    #[must_use]
    pub fn is_body(self) -> bool {
        !matches!(self, Self::Url | Self::Header)
    }

    /// In words, as in "the tool result".
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Url => "url",
            Self::Header => "header",
            Self::Body => "body",
            Self::SystemPrompt => "system prompt",
            Self::UserTurn => "user turn",
            Self::ToolResult => "tool result",
            Self::ToolCall => "tool call",
            Self::ToolDescription => "tool description",
        }
    }
}

impl fmt::Display for Surface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a rule looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Family {
    /// A credential. By default looked for in requests: an answer that carries a token to the agent is no leak.
    Secret,
    /// Text that gives orders to a model. By default looked for in responses: a request with a system role is normal.
    Injection,
    /// What a shell command does: see [`commands`].
    Command,
    /// Characters and hosts that are not what they seem. Looked for in responses.
    Unicode,
    /// Orders to a terminal or a browser, and dangerous links. By default looked for in responses.
    Content,
    /// What poisons a tool's description. By default looked for in responses.
    Mcp,
}

impl Family {
    /// Do its rules look for sentences? Case and what stands between words do not matter then.
    #[must_use]
    pub fn is_phrase(self) -> bool {
        matches!(self, Self::Injection | Self::Mcp)
    }

    /// As it stands in an audit record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Injection => "injection",
            Self::Command => "command",
            Self::Unicode => "unicode",
            Self::Content => "content",
            Self::Mcp => "mcp",
        }
    }
}

/// Something a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule's id.
    pub rule: Arc<str>,
    /// The rule's family.
    pub family: Family,
    /// Percent.
    pub confidence: u8,
    /// First byte of the match.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// The views through which it was found; the match is then what these bytes stand for.
    pub path: Path,
}

/// Why rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not the YAML of a rule file.
    #[error(transparent)]
    Yaml(#[from] crate::config::yaml::YamlError),
    /// A rule that does not hold together.
    #[error("{source_name}: rule {rule}: {reason}")]
    Rule {
        /// The file, or what the text is.
        source_name: String,
        /// The rule's id.
        rule: String,
        /// What is wrong with it.
        reason: String,
    },
    /// What is wrong with the operator's own files.
    #[error("{}", problems.join("\n"))]
    Own {
        /// Each with file and, where there is one, line.
        problems: Vec<String>,
    },
    /// The model.
    #[error(transparent)]
    Model(#[from] classifier::Error),
    /// More rules or keywords than the engine has room for.
    #[error("more than {limit} {what}")]
    TooMany {
        /// Rules or keywords.
        what: &'static str,
        /// How many are allowed.
        limit: usize,
    },
}

impl Error {
    /// Stable, for messages and tests.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Error::Yaml(_) => "scanner_yaml",
            Error::Rule { .. } => "scanner_rule",
            Error::Model(why) => why.code(),
            Error::Own { .. } => "rules_invalid",
            Error::TooMany { .. } => "scanner_too_many",
        }
    }
}

/// All rules, compiled. Immutable; shared between threads.
#[derive(Debug)]
pub struct Scanner {
    rules: Box<[Arc<Rule>]>,
    request: Lane,
    response: Lane,
}

impl Scanner {
    /// The rules the program brings along, without their examples and references: those are the tests' business.
    ///
    /// # Errors
    /// None, unless the program was built with broken rules.
    pub fn builtin() -> Result<Scanner, Error> {
        Scanner::compile(rules::read(BUILTIN.iter().copied(), true)?)
    }

    /// The rules the program brings along, with their examples and references: to be shown, not to be used.
    ///
    /// # Errors
    /// None, unless the program was built with broken rules.
    pub fn catalogue() -> Result<Vec<Rule>, Error> {
        rules::read(BUILTIN.iter().copied(), false)
    }

    /// Rules from files: `(name, YAML)` each. Chain [`BUILTIN`] with the user's own to have both.
    ///
    /// # Errors
    /// Bad YAML; a rule that does not compile, is unbounded, repeats an id, or does not do what its examples say.
    pub fn from_rules<'a>(sources: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Scanner, Error> {
        let scanner = Scanner::compile(rules::read(sources, false)?)?;
        scanner.rules.iter().try_for_each(|rule| rule.check_examples())?;
        Ok(scanner)
    }

    /// Appends what is in `text`, sorted by `start`, as if `text` ended here; returns the offset from which that may change
    /// when more bytes follow (`text.len()`: nothing can). So a streaming caller takes the findings with `start < hold`, passes on
    /// `text[..hold]`, and next time scans `text[hold..]` and what came after it; at the end of the stream it takes all.
    /// Whatever the chunks, the findings as the text stands are the same, but that of an injection rule one call reports the
    /// first 64. Through [`views`], a call finds what lies encoded in the text it is given; what may be the beginning of something
    /// encoded is held too.
    pub fn scan(&self, direction: Direction, surface: Surface, text: &[u8], out: &mut Vec<Finding>) -> usize {
        let first = out.len();
        let hold = self.scan_plain(direction, surface, text, out);
        self.look_through((direction, surface), text, &mut Purse::default(), out, first);
        hold
    }

    /// The same without views.
    fn scan_plain(
        &self,
        direction: Direction,
        surface: Surface,
        text: &[u8],
        out: &mut Vec<Finding>,
    ) -> usize {
        let first = out.len();
        let hold = self.lane(direction).scan(surface, text, out);
        let open = Scanner::uncover((direction, surface), text, out, first);
        hold.min(open).min(views::settled(text))
    }

    /// Adds what is found through views to what stands in the text as it is (`out[first..]`).
    fn look_through(
        &self,
        (direction, surface): (Direction, Surface),
        text: &[u8],
        purse: &mut Purse,
        out: &mut Vec<Finding>,
        first: usize,
    ) {
        deep::find(self.lane(direction), (direction, surface), text, purse, out, first);
    }

    /// As [`scan`](Self::scan), for a text that is complete: nothing is held back.
    pub fn find(&self, direction: Direction, surface: Surface, text: &[u8], out: &mut Vec<Finding>) {
        self.find_within((direction, surface), text, &mut Purse::default(), out);
    }

    /// The same for one of several texts of a body: what looking through views costs is counted for all of them.
    pub fn find_within(
        &self,
        (direction, surface): (Direction, Surface),
        text: &[u8],
        purse: &mut Purse,
        out: &mut Vec<Finding>,
    ) {
        let first = out.len();
        self.lane(direction).find(surface, text, out);
        Scanner::uncover((direction, surface), text, out, first);
        self.look_through((direction, surface), text, purse, out, first);
    }

    /// The text as it stands, not what may lie encoded in it.
    pub fn plain(&self, direction: Direction, surface: Surface, text: &[u8], out: &mut Vec<Finding>) {
        self.lane(direction).find(surface, text, out);
    }

    /// What no rule says: in answers, in the order of their places with what was found (`out[first..]`). Returns the offset from
    /// which it may change.
    fn uncover(
        (direction, surface): (Direction, Surface),
        text: &[u8],
        out: &mut Vec<Finding>,
        first: usize,
    ) -> usize {
        if direction == Direction::Request || !surface.is_body() {
            return text.len();
        }
        let before = out.len();
        let open = covert::find(text, out);
        if out.len() > before {
            out[first..].sort_by(|a, b| (a.start, &a.rule).cmp(&(b.start, &b.rule)));
        }
        open
    }

    /// The most bytes `scan` ever holds back.
    #[must_use]
    pub fn max_hold(&self, direction: Direction) -> usize {
        self.lane(direction).max_hold().max(views::MOST_OPEN)
    }

    /// The rule of this id.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|r| &*r.id == id).map(AsRef::as_ref)
    }

    /// The rules, in the order of their files.
    #[must_use]
    pub fn rules(&self) -> &[Arc<Rule>] {
        &self.rules
    }

    fn compile(rules: Vec<Rule>) -> Result<Scanner, Error> {
        let rules: Box<[Arc<Rule>]> = rules.into_iter().map(Arc::new).collect();
        let rarity = Rarity::new();
        let lane = |direction, family| {
            Lane::compile(family, rules.iter().filter(|r| r.goes(direction)).cloned().collect(), &rarity)
        };
        let (request, response) = std::thread::scope(|threads| {
            let request = threads.spawn(|| lane(Direction::Request, Family::Secret));
            let response = lane(Direction::Response, Family::Injection);
            (request.join(), response)
        });
        let request = request.unwrap_or_else(|cause| std::panic::resume_unwind(cause));
        Ok(Scanner { request: request?, response: response?, rules })
    }

    fn lane(&self, direction: Direction) -> &Lane {
        match direction {
            Direction::Request => &self.request,
            Direction::Response => &self.response,
        }
    }
}
