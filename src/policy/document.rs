//! A policy file: YAML → checked rules, every problem at once with its place.

use super::read::{Reader, Section};
use super::rule::{Condition, Field, Head, Methods, Rule, Test};
use super::tool::{self, OPERATORS, Operator, ToolCondition};
use super::{Action, EscalateAction};
use crate::base::glob::{Glob, HostPattern};
use crate::config::yaml::{self, Node, Value};
use crate::config::{Place, Problem};

/// One file, read.
#[derive(Clone, Debug, Default)]
pub(super) struct Document {
    pub name: String,
    pub extends: Option<String>,
    pub escalate: Option<EscalateAction>,
    /// What a request comes to that no rule matches.
    pub request_default: Option<Action>,
    /// The score, in percent, from which a finding is refused.
    pub refuse_at: Option<u8>,
    pub rules: Vec<AnyRule>,
}

#[derive(Clone, Debug)]
pub(super) enum AnyRule {
    Request(Box<Rule>),
    Tool(ToolRule),
}

/// A rule on tool calls.
#[derive(Clone, Debug)]
pub(super) struct ToolRule {
    pub head: Head,
    pub pattern: Glob,
    pub conditions: Vec<ToolCondition>,
}

impl AnyRule {
    pub(super) fn head(&self) -> &Head {
        match self {
            Self::Request(rule) => &rule.head,
            Self::Tool(rule) => &rule.head,
        }
    }
}

const TOP: [&str; 7] =
    ["name", "version", "description", "extends", "escalate_action", "defaults", "policies"];
const RULE: [&str; 14] = [
    "name",
    "description",
    "tool_pattern",
    "host",
    "method",
    "path",
    "header",
    "conditions",
    "action",
    "priority",
    "enabled",
    "tags",
    "examples",
    "counter_examples",
];
const ON_REQUESTS: [&str; 4] = ["host", "method", "path", "header"];
const PRIORITY: (u32, u32) = (50, 10_000);
/// Lower scores are signs, not findings.
const LEAST_SCORE: u8 = 50;

/// Reads a policy file.
///
/// # Errors
/// Everything wrong with it.
pub(super) fn read(text: &str, source: &str) -> Result<Document, Vec<Problem>> {
    let tree = yaml::tree(text, source).map_err(|e| {
        let at = yaml::Spot { line: e.line, column: e.column };
        vec![Problem {
            place: Place::File { name: source.to_owned(), at },
            key: String::new(),
            found: None,
            what: e.message,
            instead: "write a YAML document as docs/policy.md describes it".into(),
        }]
    })?;
    let mut r = Reader { source, problems: Vec::new() };
    let document = top(&mut r, &tree).unwrap_or_default();
    if r.problems.is_empty() { Ok(document) } else { Err(r.problems) }
}

fn top(r: &mut Reader<'_>, tree: &Node) -> Option<Document> {
    let top = r.section(tree, "", &TOP)?;
    let mut document = Document::default();
    for key in ["version", "description"] {
        top.find(key).and_then(|node| r.text(node, key));
    }
    match top.find("name") {
        Some(node) => document.name = r.text(node, "name").unwrap_or_default().to_owned(),
        None => r.wrong(tree, "name", "is missing", "give the policy a name"),
    }
    if let Some(node) = top.find("extends") {
        let presets = super::preset::NAMES.map(|name| (name, name));
        document.extends = r.choice(node, "extends", &presets).map(str::to_owned);
    }
    if let Some(node) = top.find("escalate_action") {
        let words = [
            ("block", EscalateAction::Block),
            ("ask", EscalateAction::Ask),
            ("auto_approve", EscalateAction::AutoApprove),
        ];
        document.escalate = r.choice(node, "escalate_action", &words);
    }
    if let Some(node) = top.find("defaults") {
        defaults(r, node, &mut document);
    }
    match top.find("policies").map(|node| (node, &node.value)) {
        Some((_, Value::List(rules))) => document.rules = policies(r, rules),
        Some((_, Value::Null)) | None => {}
        Some((node, _)) => r.wrong(node, "policies", "is not a list", "write `- name: …` entries"),
    }
    Some(document)
}

fn defaults(r: &mut Reader<'_>, node: &Node, document: &mut Document) {
    let Some(defaults) = r.section(node, "defaults", &["request", "tool", "refuse_at"]) else { return };
    document.request_default = defaults.find("request").and_then(|n| action(r, n, "defaults.request"));
    defaults.find("tool").and_then(|n| action(r, n, "defaults.tool"));
    let Some(node) = defaults.find("refuse_at") else { return };
    let score = r.number(node, "defaults.refuse_at", 100).and_then(|n| u8::try_from(n).ok());
    document.refuse_at = score.filter(|n| *n >= LEAST_SCORE);
    if score.is_some_and(|n| n < LEAST_SCORE) {
        let why = "is lower than any text could be refused at without refusing ordinary ones";
        r.wrong(node, "defaults.refuse_at", why, format!("write a number from {LEAST_SCORE} to 100"));
    }
}

fn action(r: &mut Reader<'_>, node: &Node, path: &str) -> Option<Action> {
    r.choice(node, path, &Action::ALL.map(|a| (a.as_str(), a)))
}

fn policies(r: &mut Reader<'_>, nodes: &[Node]) -> Vec<AnyRule> {
    let mut rules: Vec<AnyRule> = Vec::new();
    for (i, node) in nodes.iter().enumerate() {
        let path = format!("policies[{i}]");
        let Some(rule) = policy(r, node, &path) else { continue };
        if rules.iter().any(|other| other.head().name == rule.head().name) {
            let instead = "give each rule a name of its own; reports and extends go by it";
            r.wrong(node, &path, "has the name of a rule above", instead);
        }
        rules.push(rule);
    }
    rules
}

fn policy(r: &mut Reader<'_>, node: &Node, path: &str) -> Option<AnyRule> {
    let section = r.section(node, path, &RULE)?;
    let head = head(r, node, &section, path);
    let on_requests = ON_REQUESTS.iter().any(|key| section.find(key).is_some());
    match (section.find("tool_pattern"), on_requests) {
        (Some(pattern), false) => {
            for key in ["examples", "counter_examples"] {
                if let Some(node) = section.find(key) {
                    r.wrong(node, &format!("{path}.{key}"), "is for request rules", "leave it out");
                }
            }
            let pattern = r.text(pattern, &format!("{path}.tool_pattern")).map(Glob::new);
            let conditions = conditions(r, &section, path, tool_condition);
            Some(AnyRule::Tool(ToolRule { head: head?, pattern: pattern?, conditions }))
        }
        (None, true) => Some(AnyRule::Request(Box::new(request_rule(r, &section, path, head)?))),
        (Some(_), true) => {
            r.wrong(
                node,
                path,
                "is on tools (tool_pattern) and on requests (host, method, path, header) at once",
                "make two rules of it",
            );
            None
        }
        (None, false) => {
            let instead = "write `tool_pattern: …`, or `host: \"*\"` for a rule on all requests";
            r.wrong(node, path, "says neither which tools nor which requests it is for", instead);
            None
        }
    }
}

fn head(r: &mut Reader<'_>, node: &Node, section: &Section<'_>, path: &str) -> Option<Head> {
    let at = |key: &str| format!("{path}.{key}");
    let before = r.problems.len();
    let name = section.find("name").and_then(|n| r.text(n, &at("name")).map(|text| (n, text)));
    match name {
        None if section.find("name").is_none() => r.wrong(node, &at("name"), "is missing", "name the rule"),
        Some((n, text)) if text.is_empty() || text.len() > 128 => {
            r.wrong(n, &at("name"), "is empty or longer than 128 bytes", "write a short name");
        }
        _ => {}
    }
    let description = section.find("description").and_then(|n| r.text(n, &at("description")));
    let act = section.find("action").map_or(Some(Action::Deny), |n| action(r, n, &at("action")));
    let priority =
        section.find("priority").map_or(Some(PRIORITY.0), |n| r.number(n, &at("priority"), PRIORITY.1));
    let enabled = section.find("enabled").map_or(Some(true), |n| r.switch(n, &at("enabled")));
    let tags = texts(r, section, &at("tags"), "tags");
    if r.problems.len() > before {
        return None;
    }
    let (name, description) = (name?.1.into(), description.unwrap_or_default().into());
    Some(Head { name, description, action: act?, priority: priority?, enabled: enabled?, tags })
}

fn texts(r: &mut Reader<'_>, section: &Section<'_>, path: &str, key: &str) -> Vec<String> {
    let Some(node) = section.find(key) else { return Vec::new() };
    r.items(node, path).iter().filter_map(|n| r.text(n, path).map(str::to_owned)).collect()
}

fn request_rule(r: &mut Reader<'_>, section: &Section<'_>, path: &str, head: Option<Head>) -> Option<Rule> {
    let at = |key: &str| format!("{path}.{key}");
    let before = r.problems.len();
    let mut hosts = Vec::new();
    if let Some(node) = section.find("host") {
        hosts.extend(r.items(node, &at("host")).iter().filter_map(|n| host(r, n, &at("host"))));
    }
    let methods = section.find("method").map(|node| methods(r, node, &at("method")));
    let mut paths = Vec::new();
    if let Some(node) = section.find("path") {
        for n in r.items(node, &at("path")) {
            match r.text(n, &at("path")) {
                Some(text) if text.starts_with(['/', '*']) => paths.push(Glob::new(text)),
                Some(_) => r.wrong(n, &at("path"), "does not begin with / or *", "write `/v1/*` or `/v1/**`"),
                None => {}
            }
        }
    }
    let headers = section.find("header").map(|node| headers(r, node, &at("header"))).unwrap_or_default();
    let conditions = conditions(r, section, path, request_condition);
    let examples = texts(r, section, &at("examples"), "examples");
    let counter_examples = texts(r, section, &at("counter_examples"), "counter_examples");
    let head = head?;
    (r.problems.len() == before).then_some(Rule {
        head,
        hosts,
        methods,
        paths,
        headers,
        conditions,
        examples,
        counter_examples,
    })
}

/// `name`, `*.suffix`, `*`, an address; each with `:port` or without.
fn host(r: &mut Reader<'_>, node: &Node, path: &str) -> Option<(HostPattern, Option<u16>)> {
    let text = r.text(node, path)?;
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let instead = "write a host, `*.suffix` or `*`, and `:port` behind it if only that port is meant";
    let pattern = match HostPattern::parse(host) {
        Ok(pattern) => pattern,
        Err(e) => {
            r.wrong(node, path, format!("is no host pattern: {e}"), instead);
            return None;
        }
    };
    match port.map(str::parse::<u16>) {
        None => Some((pattern, None)),
        Some(Ok(port)) if port > 0 => Some((pattern, Some(port))),
        Some(_) => {
            r.wrong(node, path, "has a port that is not a number from 1 to 65535", instead);
            None
        }
    }
}

fn methods(r: &mut Reader<'_>, node: &Node, path: &str) -> Methods {
    let mut methods = Methods::default();
    for n in r.items(node, path) {
        match r.text(n, path) {
            Some(text) if !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-') => {
                methods.add(text);
            }
            Some(_) => r.wrong(n, path, "is no method", "write GET, POST, …; leave `method` out for all"),
            None => {}
        }
    }
    methods
}

/// `name: glob`; `*` in a header's glob stands for any text.
fn headers(r: &mut Reader<'_>, node: &Node, path: &str) -> Vec<(Box<str>, Option<Glob>)> {
    let Value::Map(pairs) = &node.value else {
        r.wrong(node, path, "is not a section", "write `header: {name: pattern}`");
        return Vec::new();
    };
    let mut out = Vec::new();
    for (key, value) in pairs {
        if !is_token(&key.text) {
            let found = Some(key.text.chars().take(80).flat_map(char::escape_debug).collect());
            r.wrong_at(key.at, path, found, "is no header's name", "write letters, digits and -");
        }
        if let Some(text) = r.text(value, path) {
            let glob = (text != "*").then(|| Glob::new(&text.replace('*', "**")));
            out.push((key.text.to_ascii_lowercase().into(), glob));
        }
    }
    out
}

fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

type Made<'r, T> = fn(&mut Reader<'r>, &str, (Operator, &Node), (&Node, &str)) -> Option<T>;

fn conditions<'r, T>(r: &mut Reader<'r>, section: &Section<'_>, path: &str, make: Made<'r, T>) -> Vec<T> {
    let Some(node) = section.find("conditions") else { return Vec::new() };
    let Value::List(nodes) = &node.value else {
        r.wrong(node, &format!("{path}.conditions"), "is not a list", "write `- field: …` entries");
        return Vec::new();
    };
    let mut out = Vec::new();
    for (i, node) in nodes.iter().enumerate() {
        let path = format!("{path}.conditions[{i}]");
        let Some(entry) = r.section(node, &path, &["field", "operator", "value"]) else { continue };
        let mut part = |key: &str| {
            let found = entry.find(key);
            if found.is_none() {
                r.wrong(node, &path, format!("has no {key}"), "write field, operator and value");
            }
            found
        };
        let (Some(field), Some(operator), Some(value)) = (part("field"), part("operator"), part("value"))
        else {
            continue;
        };
        let operator_node = operator;
        let operator = r.choice(operator_node, &format!("{path}.operator"), &OPERATORS);
        let name = r.text(field, &format!("{path}.field"));
        if let (Some(name), Some(operator)) = (name, operator) {
            out.extend(make(r, name, (operator, operator_node), (value, &format!("{path}.value"))));
        }
    }
    out
}

fn tool_condition(
    r: &mut Reader<'_>,
    field: &str,
    (operator, _): (Operator, &Node),
    (value, path): (&Node, &str),
) -> Option<ToolCondition> {
    Some(ToolCondition { field: field.to_owned(), test: tool::test(r, operator, value, path)? })
}

fn request_condition(
    r: &mut Reader<'_>,
    field: &str,
    (operator, at): (Operator, &Node),
    (value, path): (&Node, &str),
) -> Option<Condition> {
    let field = match field {
        "host" => Field::Host,
        "method" => Field::Method,
        "path" => Field::Path,
        other => match other.strip_prefix("header.").filter(|name| is_token(name)) {
            Some(name) => Field::Header(name.to_ascii_lowercase().into()),
            None => {
                r.wrong(
                    at,
                    path,
                    "looks at a field that no request has",
                    "use host, method, path or header.NAME",
                );
                return None;
            }
        },
    };
    let test = match operator {
        Operator::MatchesPattern => Test::Pattern(tool::regex(r, value, path)?),
        Operator::ArgumentMatches => Test::Glob(Glob::new(r.text(value, path)?)),
        _ => {
            r.wrong(at, path, "is for rules on tools", "on requests use matches_pattern or argument_matches");
            return None;
        }
    };
    Some(Condition { field, test })
}
