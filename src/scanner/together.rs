//! Adds up what rules found close together: two weak signs in one paragraph are more than either. Each confidence is read as
//! what a sign alone makes likely; taken as odds, against how seldom ordinary text is an attack, the signs multiply. Which
//! findings count at all is the caller's business.

use super::Finding;

/// So many bytes apart, signs belong together.
const NEAR: usize = 800;
/// Nothing here is certain.
const MOST: f32 = 96.0;
/// How likely an attack is before anything is seen, in percent: what a sign of this confidence says is nothing.
const BEFORE: f32 = 5.0;
/// What a sign adds when one of its own kind is there already: they tend to come together.
const AGAIN: f32 = 0.5;
/// Signs looked at from each on.
const SIGNS: usize = 24;

/// What all signs of orders to a model say where they say most: percent, and the first and one past the last byte. `None`: there
/// are not two that belong together. `findings` are sorted by `start`, as [`Scanner::find`](super::Scanner::find) leaves them.
#[must_use]
pub fn together(findings: &[Finding]) -> Option<(u8, std::ops::Range<usize>)> {
    let mut best: Option<(u8, std::ops::Range<usize>)> = None;
    for (i, first) in findings.iter().enumerate().filter(|(_, f)| speaks_to_models(f)) {
        let near = findings[i..].iter().filter(|f| speaks_to_models(f) && f.start <= first.start + NEAR);
        let signs: Vec<&Finding> = near.take(SIGNS).collect();
        if signs.len() < 2 {
            continue;
        }
        let sum = add(&signs);
        if best.as_ref().is_none_or(|(most, _)| sum > *most) {
            let end = signs.iter().map(|f| f.end).max().unwrap_or(first.end);
            best = Some((sum, first.start..end));
        }
    }
    best
}

fn speaks_to_models(finding: &Finding) -> bool {
    finding.family.is_phrase() && f32::from(finding.confidence) > BEFORE
}

/// The strongest first; then each rule once, and what lies within what was counted already not at all.
fn add(signs: &[&Finding]) -> u8 {
    let mut signs = signs.to_vec();
    signs.sort_by_key(|f| std::cmp::Reverse(f.confidence));
    let mut counted: Vec<&Finding> = Vec::new();
    let mut sum = log_odds(BEFORE);
    for sign in signs {
        let known = counted.iter().any(|c| c.rule == sign.rule || overlap(c, sign));
        if !known {
            let akin = counted.iter().any(|c| kind(c) == kind(sign));
            let says = log_odds(f32::from(sign.confidence)) - log_odds(BEFORE);
            sum += says * if akin { AGAIN } else { 1.0 };
            counted.push(sign);
        }
    }
    (100.0 / (1.0 + (-sum).exp())).clamp(0.0, MOST) as u8
}

/// More than half of the shorter one?
fn overlap(a: &Finding, b: &Finding) -> bool {
    let shared = a.end.min(b.end).saturating_sub(a.start.max(b.start));
    2 * shared > (a.end - a.start).min(b.end - b.start)
}

fn kind(finding: &Finding) -> &str {
    finding.rule.split('.').next().unwrap_or_default()
}

fn log_odds(percent: f32) -> f32 {
    let share = percent.clamp(1.0, 99.0) / 100.0;
    (share / (1.0 - share)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scanner::Family;
    use crate::scanner::views::Path;

    fn sign(rule: &str, confidence: u8, start: usize) -> Finding {
        let (family, end) = (Family::Injection, start + 10);
        Finding { rule: rule.into(), family, confidence, start, end, path: Path::PLAIN }
    }

    #[test]
    fn signs_of_several_kinds_are_more_than_either() {
        let sum = |signs: &[Finding]| together(signs).map(|(sure, _)| sure);
        assert_eq!(sum(&[sign("a.x", 40, 0)]), None);
        let two = sum(&[sign("a.x", 40, 0), sign("b.x", 30, 50)]).unwrap();
        assert!(two > 70, "{two}");
        let akin = sum(&[sign("a.x", 40, 0), sign("a.y", 30, 50)]).unwrap();
        assert!(akin > 40 && akin < two, "{akin}");
        assert_eq!(together(&[sign("a.x", 40, 0), sign("b.x", 30, 50)]).unwrap().1, 0..60);
    }

    #[test]
    fn a_sign_counts_once_and_only_near_another() {
        let once = together(&[sign("a.x", 40, 0), sign("a.x", 40, 20)]).unwrap().0;
        assert_eq!(once, 40);
        assert_eq!(together(&[sign("a.x", 40, 0), sign("b.x", 40, NEAR + 1)]), None);
        assert_eq!(together(&[sign("a.x", 40, 0), sign("b.x", 40, 2)]).unwrap().0, 40);
    }
}
