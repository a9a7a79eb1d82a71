//! The compiled policy: domain lists first, then the rules by priority, then the default. A decision is a few hash
//! look-ups and allocates nothing where the request is allowed.

use super::document::{AnyRule, Document, ToolRule, read};
use super::domains::{HostSet, suffixes};
use super::rule::{Head, Rule, Seen};
use super::{Action, Decision, EscalateAction, Request, examples, preset};
use crate::base::glob::HostPattern;
use crate::base::host::Host;
use crate::config::{Preset, Problem};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// A policy, ready to rule.
#[derive(Debug)]
pub struct Engine {
    name: String,
    /// By priority, highest first.
    rules: Vec<Rule>,
    tools: Vec<ToolRule>,
    index: Index,
    allowed: HostSet,
    denied: HostSet,
    default: Action,
    refuse_at: Option<u8>,
    escalate: EscalateAction,
    names: Names,
}

/// Rules by the hosts they are for: ascending positions in `Engine::rules`. Disabled rules are in none.
#[derive(Debug, Default)]
struct Index {
    names: HashMap<Box<str>, Vec<usize>>,
    below: HashMap<Box<str>, Vec<usize>>,
    addrs: HashMap<IpAddr, Vec<usize>>,
    any: Vec<usize>,
}

/// Names of rulings that no rule makes.
#[derive(Debug)]
struct Names {
    allowed: Arc<str>,
    denied: Arc<str>,
    default: Arc<str>,
}

/// One rule that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its name; `allowed_domains`, `denied_domains` and `default` beside the rules.
    pub rule: Arc<str>,
    /// Its priority, if it is a rule.
    pub priority: Option<u32>,
    /// What it does.
    pub action: Action,
    /// Why it was passed over; `None`: it decided.
    pub passed_over: Option<String>,
}

/// One rule, for lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Its name.
    pub name: Arc<str>,
    /// What it is for.
    pub description: String,
    /// The tools it is on; `None`: it is on requests.
    pub tool_pattern: Option<String>,
    /// Its `field operator value` conditions.
    pub conditions: Vec<String>,
    /// What it does.
    pub action: Action,
    /// Its priority.
    pub priority: u32,
    /// Is it in force?
    pub enabled: bool,
    /// Its tags.
    pub tags: Vec<String>,
}

impl Engine {
    /// Compiles a policy: the file `(name, text)` where there is one, else the preset. Bare names in `denied` hold what is
    /// below them too; an empty `allowed` allows all.
    ///
    /// # Errors
    /// Everything wrong with the file.
    pub fn build(
        preset: Preset,
        file: Option<(&str, &str)>,
        allowed: &[HostPattern],
        denied: &[HostPattern],
    ) -> Result<Self, Vec<Problem>> {
        let document = match file {
            Some((name, text)) => preset::resolve(read(text, name)?, name, 0)?,
            None => preset::document(preset)?,
        };
        Ok(Self::compile(document, HostSet::new(allowed, false), HostSet::new(denied, true)))
    }

    fn compile(document: Document, allowed: HostSet, denied: HostSet) -> Self {
        let (mut rules, mut tools) = (Vec::new(), Vec::new());
        for rule in document.rules {
            match rule {
                AnyRule::Request(rule) => rules.push(*rule),
                AnyRule::Tool(rule) => tools.push(rule),
            }
        }
        rules.sort_by_key(|rule| Reverse(rule.head.priority));
        tools.sort_by_key(|rule| Reverse(rule.head.priority));
        let mut index = Index::default();
        for (at, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.head.enabled) {
            index.add(at, rule);
        }
        Self {
            name: document.name,
            rules,
            tools,
            index,
            allowed,
            denied,
            default: document.request_default.unwrap_or(Action::Escalate),
            refuse_at: document.refuse_at,
            escalate: document.escalate.unwrap_or(EscalateAction::Block),
            names: Names {
                allowed: "allowed_domains".into(),
                denied: "denied_domains".into(),
                default: "default".into(),
            },
        }
    }

    /// The policy's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The score, in percent, from which a finding is refused; `None`: the policy leaves it to the mode.
    #[must_use]
    pub fn refuse_at(&self) -> Option<u8> {
        self.refuse_at
    }

    /// Rules on a host alone, before there is a request. What a rule with more to it would allow is let through: the
    /// requests inside are ruled one by one.
    #[must_use]
    pub fn connect(&self, host: &Host, port: u16) -> Decision {
        if let Some(refused) = self.by_domain(host) {
            return refused;
        }
        let rules = self.rules.iter().filter(|rule| rule.head.enabled && rule.host_matches(host, port));
        for rule in rules {
            if rule.is_host_only() {
                return self.ruling(Some(&rule.head));
            }
            if !rule.head.action.restricts() {
                return Decision {
                    action: Action::Allow,
                    rule: Arc::clone(&rule.head.name),
                    reason: Cow::Borrowed("the policy rules on the requests inside"),
                    permitted: true,
                };
            }
        }
        self.ruling(None)
    }

    /// Rules on a request.
    #[must_use]
    pub fn decide(&self, r: &Request<'_>) -> Decision {
        if let Some(refused) = self.by_domain(r.host) {
            return refused;
        }
        let seen = Seen::new(r);
        let mut best = usize::MAX;
        self.index.each(r.host, |candidates| {
            let better = candidates.iter().take_while(|at| **at < best);
            if let Some(at) = better.into_iter().find(|at| self.rules[**at].matches(&seen)) {
                best = *at;
            }
        });
        self.ruling(self.rules.get(best).map(|rule| &rule.head))
    }

    /// What [`Engine::decide`] does, step by step: each rule that was passed over and why, last the one that decided.
    #[must_use]
    pub fn explain(&self, r: &Request<'_>) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut step = |rule: &Arc<str>, priority, action, passed_over: Option<String>| {
            let decided = passed_over.is_none();
            steps.push(Step { rule: Arc::clone(rule), priority, action, passed_over });
            decided
        };
        if !self.denied.is_empty() {
            let passed = (!self.denied.holds(r.host)).then(|| format!("{} is not in the list", r.host));
            if step(&self.names.denied, None, Action::Deny, passed) {
                return steps;
            }
        }
        if !self.allowed.is_empty() {
            let passed = self.allowed.holds(r.host).then(|| format!("{} is in the list", r.host));
            if step(&self.names.allowed, None, Action::Deny, passed) {
                return steps;
            }
        }
        let seen = Seen::new(r);
        for rule in &self.rules {
            let head = &rule.head;
            if step(&head.name, Some(head.priority), head.action, rule.objection(&seen)) {
                return steps;
            }
        }
        step(&self.names.default, None, self.default, None);
        steps
    }

    /// Every rule, on requests first, highest priority first.
    #[must_use]
    pub fn rules(&self) -> Vec<Listing> {
        let list = |head: &Head, tool_pattern: Option<String>, conditions: Vec<String>| Listing {
            name: Arc::clone(&head.name),
            description: head.description.to_string(),
            tool_pattern,
            conditions,
            action: head.action,
            priority: head.priority,
            enabled: head.enabled,
            tags: head.tags.clone(),
        };
        let requests = self
            .rules
            .iter()
            .map(|rule| list(&rule.head, None, rule.conditions.iter().map(ToString::to_string).collect()));
        let tools = self.tools.iter().map(|t| {
            list(
                &t.head,
                Some(t.pattern.as_str().to_owned()),
                t.conditions.iter().map(ToString::to_string).collect(),
            )
        });
        requests.chain(tools).collect()
    }

    /// Holds every rule against its own `examples` and `counter_examples`; what does not hold, in words.
    #[must_use]
    pub fn check_examples(&self) -> Vec<String> {
        self.rules.iter().flat_map(examples::check).collect()
    }

    fn by_domain(&self, host: &Host) -> Option<Decision> {
        let (rule, reason) = if self.denied.holds(host) {
            (&self.names.denied, "the host is on the list of denied domains")
        } else if !self.allowed.is_empty() && !self.allowed.holds(host) {
            (&self.names.allowed, "the host is not on the list of allowed domains")
        } else {
            return None;
        };
        let reason = Cow::Borrowed(reason);
        Some(Decision { action: Action::Deny, rule: Arc::clone(rule), reason, permitted: false })
    }

    /// `None`: the default.
    fn ruling(&self, head: Option<&Head>) -> Decision {
        let (action, rule) = head.map_or((self.default, &self.names.default), |h| (h.action, &h.name));
        let permitted = match action {
            Action::Allow | Action::LogOnly => true,
            Action::Deny => false,
            Action::Escalate => self.escalate == EscalateAction::AutoApprove,
        };
        let reason = if permitted {
            Cow::Borrowed(allowed_because(action, head))
        } else {
            refused_because(self, action, head)
        };
        Decision { action, rule: Arc::clone(rule), reason, permitted }
    }
}

fn allowed_because(action: Action, head: Option<&Head>) -> &'static str {
    match (action, head) {
        (Action::LogOnly, _) => "a rule lets it through and has it noted",
        (Action::Escalate, _) => {
            "a rule escalates it, and escalations are approved (escalate_action: auto_approve)"
        }
        (_, Some(_)) => "a rule allows it",
        (_, None) => "no rule matches, and the default allows",
    }
}

fn refused_because(engine: &Engine, action: Action, head: Option<&Head>) -> Cow<'static, str> {
    let what = match head {
        None => "no rule matches, and the default refuses".to_owned(),
        Some(head) if head.description.is_empty() => format!("the rule {} refuses it", head.name),
        Some(head) => head.description.to_string(),
    };
    Cow::Owned(match (action, engine.escalate) {
        (Action::Escalate, EscalateAction::Ask) => {
            format!("{what}; it takes a person's approval, and there is nobody to ask")
        }
        (Action::Escalate, _) => format!("{what}; it takes a person's approval (escalate_action: block)"),
        _ => what,
    })
}

impl Index {
    fn add(&mut self, at: usize, rule: &Rule) {
        if rule.hosts.is_empty() {
            self.any.push(at);
        }
        for (pattern, _) in &rule.hosts {
            let list = match pattern {
                HostPattern::Any => &mut self.any,
                HostPattern::Exact(Host::Addr(a)) => self.addrs.entry(a.to_canonical()).or_default(),
                HostPattern::Exact(Host::Name(n)) => self.names.entry((**n).into()).or_default(),
                HostPattern::Below(s) => self.below.entry(s.trim_start_matches('.').into()).or_default(),
            };
            if list.last() != Some(&at) {
                list.push(at);
            }
        }
    }

    /// Every list that may hold a rule for this host.
    fn each(&self, host: &Host, mut look: impl FnMut(&[usize])) {
        match host {
            Host::Addr(a) => self.addrs.get(&a.to_canonical()).into_iter().for_each(|list| look(list)),
            Host::Name(name) => {
                if let Some(list) = self.names.get(&**name) {
                    look(list);
                }
                if !self.below.is_empty() {
                    suffixes(name).filter_map(|s| self.below.get(s)).for_each(|list| look(list));
                }
            }
        }
        look(&self.any);
    }
}
