//! The classifier's opinion of a text: which texts it is asked about, how much of them it sees, and what its percentage says in a
//! text of that length and with what the rules found there. What it is worth beside them is weighed elsewhere.

use std::ops::Range;
use std::sync::Arc;

use super::Judge;
use super::examine::is_json;
use crate::scanner::classifier::Score;
use crate::scanner::views::Path;
use crate::scanner::{Family, Finding};

/// The rule of the classifier's findings.
pub(super) const CLASSIFIER: &str = "injection.classifier";

/// Texts up to so many bytes are put before the classifier though no rule found a sign in them.
const SHORT: usize = 512;

/// Longer ones are too, up to so many bytes, if they are prose.
const PROSE: usize = 4096;

/// Up to so many bytes, whatever they are. In listings, markup and data it has little to go by: it has to be as sure as
/// [`SURE`], and of words, or says nothing.
const UNSIGNED: usize = 16 * 1024;

/// In longer ones a rule less sure than this found what stands in any licence and manual. Then the model has to be as sure as that,
/// or is no surer than this, which is noted and joins no such rule.
const TELLING: u8 = 20;
const SURE: u8 = 98;
const UNSURE: u8 = 74;

/// So many bytes are one place where an order may stand. A longer text has more of them, and in each the model may be mistaken.
const PLACE: usize = 4096;

/// Of texts longer than this, the classifier is shown so much on either side of each sign: what is farther off is judged as
/// little as a long text without a sign.
const LONG: usize = 16 * 1024;
const AROUND: usize = 4 * 1024;

/// Of so many characters, one may be punctuation: in a text that is prose, and in what may be prose amid something else.
const PUNCTUATED: usize = 13;
const AMID: usize = 8;

/// What the classifier is less sure of is not noted.
const LEAST: u8 = 30;

/// What the model that was trained on such texts says of it. Very long texts without any sign are not worth the time: the model was
/// trained on what people write, and a long text of another kind may sum up to anything. What stands around the signs of others is.
pub(super) fn classified(judge: &Judge, text: &[u8], here: &mut Vec<Finding>) {
    let strongest = here.iter().filter(|f| f.family.is_phrase()).map(|f| f.confidence).max();
    if text.len() > UNSIGNED && strongest.is_none() {
        return;
    }
    let speech = !is_json(text)
        && (strongest.is_some() || text.len() <= SHORT || text.len() <= PROSE && is_prose(text, PUNCTUATED));
    let mut worst = Score::default();
    let mut look = |part: Range<usize>| {
        let shown = &text[part.clone()];
        let Score { percent, start, end } =
            if speech { judge.classifier.score(shown) } else { judge.classifier.certain(shown) };
        if percent > worst.percent {
            worst = Score { percent, start: part.start + start, end: part.start + end };
        }
    };
    if text.len() <= LONG {
        look(0..text.len());
    } else {
        let around = |f: &Finding| f.start.saturating_sub(AROUND)..text.len().min(f.end + AROUND);
        let mut parts = here.iter().filter(|f| f.family.is_phrase()).map(around);
        let last = parts.by_ref().reduce(|part, next| {
            if next.start <= part.end {
                return part.start.min(next.start)..part.end.max(next.end);
            }
            look(part);
            next
        });
        last.into_iter().for_each(look);
    }
    worst.percent = of_many(worst.percent, text.len());
    let faint = strongest.is_none_or(|sign| sign < TELLING);
    if text.len() > SHORT && faint && worst.percent < SURE {
        worst.percent = worst.percent.min(UNSURE);
    }
    let counts = match speech {
        true => worst.percent >= LEAST,
        false => worst.percent >= SURE && is_prose(&text[worst.start..worst.end], AMID),
    };
    if counts {
        let (rule, family, path) = (Arc::clone(&judge.classifier_rule), Family::Injection, Path::PLAIN);
        let Score { percent: confidence, start, end } = worst;
        here.push(Finding { rule, family, confidence, start, end, path });
        here.sort_by_key(|f| f.start);
    }
}

/// Is it sentences, as in a mail or on a page, with one in `most` characters a mark at most? In tables, listings and programs the
/// model has nothing to go by.
fn is_prose(text: &[u8], most: usize) -> bool {
    let (mut digits, mut marks, mut odd) = (0, 0, 0);
    for b in text {
        digits += usize::from(b.is_ascii_digit());
        marks += usize::from(b.is_ascii_punctuation());
        odd += usize::from(*b < b'\t');
    }
    odd == 0 && digits * 20 <= text.len() && marks * most <= text.len()
}

/// A percentage that was learnt on texts of one place, in a text of so many bytes: the odds are shared among its places.
fn of_many(percent: u8, len: usize) -> u8 {
    let places = (len as f32 / PLACE as f32).max(1.0);
    let odds = f32::from(percent) / f32::from(100 - percent.min(99)) / places;
    (100.0 * odds / (1.0 + odds)).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_told_from_programs_and_tables() {
        assert!(is_prose(
            b"Dear Anna,\nthe parcel came on Monday, thank you. We open it together when you are here.\n",
            PUNCTUATED
        ));
        for other in [
            "\tmulq\t%r15\n\taddq\t%rax, %r10\n",
            "0x1F, 0x20, 0x7F,\n",
            "fn is_prose(text: &[u8], most: usize) -> bool {",
            "OTH, OTH, OTH, OTH, OTH, OTH, # 00 - 07",
            "d\u{b}e\u{c}f\u{2}d the words of a program",
        ] {
            assert!(!is_prose(other.as_bytes(), PUNCTUATED), "{other}");
        }
    }

    #[test]
    fn the_longer_a_text_the_less_its_one_suspicious_place_says() {
        for (percent, len, says) in
            [(99, 100, 99), (90, 4096, 90), (50, 8192, 33), (99, 40_960, 91), (99, 1 << 20, 28), (0, 9, 0)]
        {
            assert_eq!(of_many(percent, len), says, "{percent} in {len}");
        }
    }
}
