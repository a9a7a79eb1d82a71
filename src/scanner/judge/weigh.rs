//! What findings are worth where they stand, and what they come to together. The numbers of that are in this file.

use std::sync::Arc;

use super::allow::AllowList;
use super::examine::Noted;
use super::opinion::CLASSIFIER;
use super::verdict::{Place, Step, Verdict};
use super::{Judge, Subject};
use crate::base::host::Host;
use crate::scanner::{Direction, Family, Finding, Surface, together};

/// What is only noted is no surer than this: under every mode's threshold.
const NOTED: u8 = 45;

// The next four say what the classifier is worth. They were chosen together, on the training rows, 13 302 benign texts chosen to be
// hard and the development rows. None of these is unseen: the classifier was trained on the first, its percentages lean on the second,
// and rows of the third were read when rules were written. What the sets said:
// - nearly all that the classifier wrongly takes for attacks holds nothing that any rule knows, be it as weak as 10 percent; and of
//   what both speak of, however weakly, hardly anything is benign. So together they block early, and it alone late.
// - what it wrongly takes for attacks at 90 and more mostly begins by describing an assistant.

/// From this percent on the classifier's word is enough. From 80 to 95, benign texts refused fall by half and more, attacks found by one
/// in two hundred; 90 keeps nearly all of the attacks.
const ALONE: u8 = 90;
/// Under it, it is no surer than this: what only max mode refuses.
const NOT_ALONE: u8 = 79;
/// How likely an order is before anything is seen, percent, when rules and classifier say what they say. 2 and 3 made more false
/// alarms, 5 found less.
const BEFORE: f32 = 4.0;
/// In a text that describes an assistant, rules less sure than this do not join the classifier: of 0, 25 and 30.
const CUE: u8 = 30;
/// What rules are less sure of than this joins only what the classifier is fairly sure of: on ordinary files, a stray word of 9 to 12
/// percent and a stretch that the classifier gave 50 to 58 were most of what was refused wrongly.
const STRAY: u8 = 20;
const FAIRLY: u8 = 75;
/// Nothing here is certain.
const MOST: f32 = 96.0;
/// So many bytes apart, rules and classifier speak of the same.
const NEAR: usize = 800;

/// Hosts whose answers are a model's own words. Only what tools gave, or what it calls tools with, comes from elsewhere.
const MODELS: &[&str] = &[
    "api.openai.com",
    "api.anthropic.com",
    "generativelanguage.googleapis.com",
    "aiplatform.googleapis.com",
    "openrouter.ai",
    "api.mistral.ai",
    "api.cohere.com",
    "api.cohere.ai",
    "api.groq.com",
    "api.together.xyz",
    "api.deepseek.com",
    "api.x.ai",
    "api.perplexity.ai",
    "api.fireworks.ai",
    "api.cerebras.ai",
    "inference-api.nousresearch.com",
];
/// Such hosts by what their names begin and end with.
const MODEL_REGIONS: &[(&str, &str)] = &[
    ("bedrock-runtime.", ".amazonaws.com"),
    ("", "-aiplatform.googleapis.com"),
    ("", ".openai.azure.com"),
    ("", ".services.ai.azure.com"),
];

/// Why a finding counts for less than its rule says.
fn less(subject: &Subject<'_>, noted: &Noted) -> Option<&'static str> {
    let orders = !matches!(noted.finding.family, Family::Secret);
    match noted.surface {
        _ if !orders => None,
        Surface::ToolDescription => None,
        _ if noted.quoted => Some("it is spoken of, not said"),
        Surface::UserTurn => Some("the user's own words are only noted"),
        Surface::SystemPrompt => Some("a system prompt may give orders"),
        Surface::Body if subject.direction == Direction::Response && is_model(subject.host) => {
            Some("a model's own words are only noted")
        }
        _ => None,
    }
}

fn is_model(host: Option<&str>) -> bool {
    host.is_some_and(|h| {
        MODELS.contains(&h)
            || MODEL_REGIONS.iter().any(|(begins, ends)| {
                h.len() > begins.len() + ends.len() && h.starts_with(begins) && h.ends_with(ends)
            })
    })
}

/// All that was found → a verdict. Empty findings cost nothing.
pub(super) fn weigh(judge: &Judge, subject: &Subject<'_>, text: &[u8], mut noted: Vec<Noted>) -> Verdict {
    let mut verdict = Verdict::default();
    if noted.is_empty() {
        return verdict;
    }
    noted.sort_by(|a, b| (a.finding.start, &a.finding.rule).cmp(&(b.finding.start, &b.finding.rule)));
    quoted_too(&mut noted);
    let host = subject.host.and_then(|h| Host::parse(h).ok());
    let mut counting: Vec<Noted> = Vec::new();
    for mut one in noted {
        verdict.steps.push(found(&one));
        if let Some(reason) = allowed(&judge.allow, host.as_ref(), text, &one) {
            verdict.allowed.push((Arc::clone(&one.finding.rule), Arc::clone(&reason)));
            verdict.steps.push(Step::Allowed { rule: Arc::clone(&one.finding.rule), reason });
            continue;
        }
        if let Some(why) = less(subject, &one) {
            let (from, to) = (one.finding.confidence, one.finding.confidence.min(NOTED));
            one.finding.confidence = to;
            verdict.steps.push(Step::Adjusted { rule: Arc::clone(&one.finding.rule), why, from, to });
        } else {
            counting.push(one.clone());
            if let Some((why, most)) = not_alone(&one) {
                let (from, to) = (one.finding.confidence, one.finding.confidence.min(most));
                one.finding.confidence = to;
                verdict.steps.push(Step::Adjusted { rule: Arc::clone(&one.finding.rule), why, from, to });
            }
        }
        verdict.score = verdict.score.max(one.finding.confidence);
        verdict.places.push(Place { surface: one.surface, tool: one.tool });
        verdict.findings.push(one.finding);
    }
    joined(counting, &mut verdict);
    verdict.steps.push(Step::Measured { score: verdict.score, threshold: judge.threshold });
    verdict.blocking = judge.threshold.is_some_and(|t| verdict.score >= t);
    verdict
}

/// Why the classifier's word is not enough, and what it is worth then. What it adds to rules is another matter.
fn not_alone(noted: &Noted) -> Option<(&'static str, u8)> {
    let Finding { rule, confidence, .. } = &noted.finding;
    match **rule == *CLASSIFIER {
        true if noted.describes && *confidence > NOTED => Some(("the text describes an assistant", NOTED)),
        true if (NOT_ALONE + 1..ALONE).contains(confidence) => {
            Some(("by itself it is not enough", NOT_ALONE))
        }
        _ => None,
    }
}

/// What the classifier takes for an order is quoted if all that the rules found in it is.
fn quoted_too(noted: &mut [Noted]) {
    for at in 0..noted.len() {
        let one = &noted[at];
        if &*one.finding.rule != CLASSIFIER || one.quoted {
            continue;
        }
        let (group, start, end) = (one.group, one.finding.start, one.finding.end);
        let within = |n: &&Noted| {
            n.group == group
                && &*n.finding.rule != CLASSIFIER
                && n.finding.start < end
                && start < n.finding.end
        };
        let quoted = noted.iter().any(|n| within(&n)) && noted.iter().filter(within).all(|n| n.quoted);
        noted[at].quoted = quoted;
    }
}

/// Signs that stand together in one part.
fn joined(mut counting: Vec<Noted>, verdict: &mut Verdict) {
    counting.retain(|n| !matches!(n.finding.family, Family::Secret | Family::Command));
    counting.sort_by_key(|n| n.group);
    for group in counting.chunk_by(|a, b| a.group == b.group) {
        let of_model = |n: &&Noted| &*n.finding.rule == CLASSIFIER;
        let describes = group.iter().any(|n| n.describes);
        let rules: Vec<Finding> = group.iter().filter(|n| !of_model(n)).map(|n| n.finding.clone()).collect();
        let strongest = rules.iter().max_by_key(|f| f.confidence).map(|f| (f.confidence, f.start..f.end));
        let Some((rules_say, span)) = together(&rules).or(strongest) else { continue };
        let near = |f: &&Finding| f.start < span.end + NEAR && span.start < f.end + NEAR;
        let joins = !describes || rules_say >= CUE;
        let least = if rules_say < STRAY { FAIRLY } else { 0 };
        let model = group.iter().filter(|n| joins && of_model(n)).map(|n| &n.finding);
        let model = model.filter(|m| m.confidence >= least);
        let model = model.filter(near).max_by_key(|f| f.confidence);
        let score = model.map_or(rules_say, |m| rules_say.max(both(rules_say, m.confidence)));
        if model.is_none() && rules.len() < 2 {
            continue;
        }
        verdict.joined = verdict.joined.max(score);
        if score > verdict.score {
            verdict.score = score;
            let there = rules.iter().filter(|f| span.start <= f.start && f.end <= span.end);
            let mut rules: Vec<Arc<str>> = there.chain(model).map(|f| Arc::clone(&f.rule)).collect();
            rules.dedup();
            verdict.steps.push(Step::Joined { rules, score });
        }
    }
}

/// What the rules and the classifier say together, as log-odds over what is likely before anything is seen.
fn both(rules: u8, model: u8) -> u8 {
    let says = |percent: u8| log_odds(f32::from(percent)) - log_odds(BEFORE);
    let sum = log_odds(BEFORE) + says(rules).max(0.0) + says(model).max(0.0);
    (100.0 / (1.0 + (-sum).exp())).clamp(0.0, MOST) as u8
}

fn log_odds(percent: f32) -> f32 {
    let share = percent.clamp(1.0, 99.0) / 100.0;
    (share / (1.0 - share)).ln()
}

fn found(noted: &Noted) -> Step {
    let Finding { rule, path, start, end, confidence, .. } = &noted.finding;
    Step::Found {
        rule: Arc::clone(rule),
        surface: noted.surface,
        name: noted.tool.clone(),
        path: *path,
        start: *start,
        end: *end,
        confidence: *confidence,
    }
}

fn allowed(list: &AllowList, host: Option<&Host>, text: &[u8], noted: &Noted) -> Option<Arc<str>> {
    let value = text.get(noted.finding.start..noted.finding.end).unwrap_or_default();
    list.passes(&noted.finding.rule, host, noted.tool.as_deref(), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_known_by_their_hosts() {
        for host in ["api.openai.com", "bedrock-runtime.eu-west-1.amazonaws.com", "x.openai.azure.com"] {
            assert!(is_model(Some(host)), "{host}");
        }
        for host in [
            "api.openai.com.evil.test",
            "evil-api.openai.com",
            "bedrock-runtime.amazonaws.com",
            "s3.amazonaws.com",
        ] {
            assert!(!is_model(Some(host)), "{host}");
        }
        assert!(!is_model(None));
    }
}
