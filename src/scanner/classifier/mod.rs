//! A small linear model that tells text which gives orders to a model from other text: words and pieces of words have weights, and
//! the stretch of words with the greatest sum is the text's score. Whole numbers throughout, so every machine gives the same.

pub mod gate;
pub mod model;
pub mod text;

#[cfg(test)]
mod tests;

use model::{Model, Weights};

const BUILTIN: &[u8] = include_bytes!("../../../config/models/injection.bin");

/// Why a model cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Too few or too many bytes for what it says it holds.
    #[error("the model's file is cut short or too long")]
    Short,
    /// Something else.
    #[error("not a model's file")]
    Foreign,
    /// For other features.
    #[error("a model of version {0}, which this program cannot use")]
    Version(u16),
    /// Changed after it was written.
    #[error("the model's checksum is wrong")]
    Checksum,
    /// The named part cannot be.
    #[error("the model's {0} make no sense")]
    Senseless(&'static str),
}

impl Error {
    /// Stable, for messages and tests.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Error::Short => "model_short",
            Error::Foreign => "model_foreign",
            Error::Version(_) => "model_version",
            Error::Checksum => "model_checksum",
            Error::Senseless(_) => "model_senseless",
        }
    }
}

/// How much a text looks like an injected order, and which part of it most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// 0 to 100. Nothing but 0 where the gate stays shut.
    pub percent: u8,
    /// First byte of the part.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
}

/// The model, ready for use. Immutable; shared between threads.
#[derive(Clone, Debug)]
pub struct Classifier {
    model: Model,
}

impl Classifier {
    /// The model the program brings along.
    ///
    /// # Errors
    /// None, unless the program was built with a broken one.
    pub fn builtin() -> Result<Classifier, Error> {
        Model::read(BUILTIN).map(Classifier::new)
    }

    /// A model of one's own.
    #[must_use]
    pub fn new(model: Model) -> Classifier {
        Classifier { model }
    }

    /// Whether anything in `text` is worth a look by the whole model.
    #[must_use]
    pub fn gate(&self, text: &[u8]) -> bool {
        gate::next(&self.model.gate(), text, 0).is_some()
    }

    /// The score of the worst part of `text`. Allocates nothing.
    #[must_use]
    pub fn score(&self, text: &[u8]) -> Score {
        self.score_past(&self.model.gate(), text)
    }

    /// The same for who only wants to know of what the model is all but certain of: of the texts it was trained on and gives 98 percent,
    /// it passes over 4 in 100, and it looks at a third of the others that the gate opens for.
    #[must_use]
    pub fn certain(&self, text: &[u8]) -> Score {
        let mut gate = self.model.gate();
        gate.opens_at = gate.opens_at * 7 / 4;
        self.score_past(&gate, text)
    }

    fn score_past(&self, gate: &Weights<'_>, text: &[u8]) -> Score {
        let mut worst: Option<Part> = None;
        let mut from = 0;
        while let Some((start, end)) = gate::next(gate, text, from) {
            let part = part(&self.model.main(), &text[start..end]);
            if worst.is_none_or(|w| part.sum > w.sum) {
                worst = Some(Part { start: start + part.start, end: start + part.end, ..part });
            }
            from = end.max(from + 1);
        }
        worst.map_or_else(Score::default, |Part { sum, start, end }| {
            let lead = text[start..end].iter().position(|b| b.is_ascii_alphanumeric() || *b >= 0x80);
            Score { percent: self.model.percent(sum), start: start + lead.unwrap_or(0), end }
        })
    }

    /// The greatest sum in `text`, gate or no gate: what percentages are made from.
    #[must_use]
    pub fn sum(&self, text: &[u8]) -> i32 {
        part(&self.model.main(), text).sum
    }

    /// The greatest sum that the gate makes of `text`.
    #[must_use]
    pub fn gate_sum(&self, text: &[u8]) -> i32 {
        let weights = self.model.gate();
        let (mut best, mut last) = (Best::default(), 0);
        gate::words(text, |hash, end| {
            best.add(weights.of(hash) - weights.per_word, last, end);
            last = end;
            true
        });
        best.part.sum
    }
}

/// Words in a row.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    sum: i32,
    start: usize,
    end: usize,
}

/// The words in a row with the greatest sum.
fn part(weights: &Weights<'_>, text: &[u8]) -> Part {
    struct Summed<'a> {
        weights: &'a Weights<'a>,
        last: usize,
        best: Best,
    }
    impl text::Sink for Summed<'_> {
        #[inline(always)]
        fn feature(&mut self, hash: u32, new: bool) -> i32 {
            // what is known counts nothing: looked up all the same, as the processor guesses wrong which are
            self.weights.of(hash) * i32::from(new)
        }

        #[inline(always)]
        fn word(&mut self, end: usize, sum: i32) {
            let sum = (sum - self.weights.per_word).min(self.weights.most_per_word);
            self.best.add(sum, self.last, end);
            self.last = end;
        }
    }
    let mut summed = Summed { weights, last: 0, best: Best::default() };
    text::walk(text, &mut summed);
    summed.best.part
}

/// The best sum over words in a row, as they come.
#[derive(Clone, Copy, Debug, Default)]
struct Best {
    /// The best sum that ends with the last word.
    run: i32,
    /// Where that begins.
    start: usize,
    part: Part,
}

impl Best {
    #[inline(always)]
    fn add(&mut self, weight: i32, start: usize, end: usize) {
        if self.run <= 0 {
            (self.run, self.start) = (0, start);
        }
        self.run = self.run.saturating_add(weight);
        if self.run > self.part.sum {
            self.part = Part { sum: self.run, start: self.start, end };
        }
    }
}
