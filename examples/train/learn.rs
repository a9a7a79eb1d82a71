//! The learning: logistic regression on the sum of the best stretch of words of each text, found anew at every step with the
//! weights as they stand. Stochastic descent with a rate for each weight, features dropped at random, weights averaged.

use std::borrow::Cow;

use katana::scanner::classifier::Classifier;
use katana::scanner::classifier::gate;
use katana::scanner::classifier::model::{KNOTS, Model};
use katana::scanner::classifier::text::{Sink, walk};

use crate::phrases::Dice;
use crate::rows::Row;

/// How to learn.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Two to this many weights.
    pub(crate) bits: u8,
    pub(crate) gate_bits: u8,
    pub(crate) epochs: u32,
    rate: f32,
    /// Of the features, so many are not seen.
    pub(crate) dropped: f32,
    /// Taken off for each word.
    per_word: f32,
    /// A word counts for no more: one says nothing.
    most: f32,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { bits: 18, gate_bits: 14, epochs: 8, rate: 0.1, dropped: 0.5, per_word: 0.02, most: 3.0 }
    }
}

/// A text as features, and where each word's features end.
struct Example {
    features: Vec<u32>,
    ends: Vec<u32>,
    is_attack: bool,
}

impl Sink for Example {
    fn feature(&mut self, hash: u32, new: bool) -> i32 {
        if new {
            self.features.push(hash);
        }
        0
    }

    fn word(&mut self, _: usize, _: i32) {
        self.ends.push(self.features.len() as u32);
    }
}

impl Example {
    fn whole(row: &Row) -> Example {
        let mut example = Example { features: Vec::new(), ends: Vec::new(), is_attack: row.is_attack };
        walk(row.text.as_bytes(), &mut example);
        example
    }

    /// As the gate sees it.
    fn gate(row: &Row) -> Example {
        let mut example = Example { features: Vec::new(), ends: Vec::new(), is_attack: row.is_attack };
        gate::words(row.text.as_bytes(), |hash, end| {
            let _ = example.feature(hash, true);
            example.word(end, 0);
            true
        });
        example
    }
}

/// A model with its weights, and percentages yet to be set.
pub(crate) fn train<'a>(rows: impl IntoIterator<Item = &'a Row>, settings: &Settings) -> Model {
    let (whole, gate): (Vec<Example>, Vec<Example>) =
        rows.into_iter().map(|row| (Example::whole(row), Example::gate(row))).unzip();
    let (mut weights, scale) = quantised(&learnt(&whole, settings, settings.bits));
    let (gate_weights, gate_scale) = quantised(&learnt(&gate, settings, settings.gate_bits));
    weights.extend(gate_weights);
    Model {
        bits: settings.bits,
        gate_bits: settings.gate_bits,
        per_word: (settings.per_word * scale).round() as i16,
        most_per_word: (settings.most * scale).round().min(f32::from(i16::MAX)) as i16,
        gate_per_word: (settings.per_word * gate_scale).round() as i16,
        gate_opens_at: 0,
        knots: std::array::from_fn(|i| (i as i32, (i * 100 / KNOTS) as u8)),
        weights: Cow::Owned(weights),
    }
}

/// Opens the gate for all but twenty in a thousand of the attacks that the whole model gives half or more. Sentences of our own do not
/// count: the oddest of them would open it for half of all ordinary text.
pub(crate) fn set_gate(model: &mut Model, rows: &[Row]) {
    let half = model.knots.iter().find(|(_, percent)| *percent >= 50).map_or(0, |(sum, _)| *sum);
    let whole = Classifier::new(model.clone());
    let seen = |row: &&Row| {
        row.is_attack && !row.source.starts_with("phrases") && whole.sum(row.text.as_bytes()) >= half
    };
    let mut sums: Vec<i32> =
        rows.iter().filter(seen).map(|row| whole.gate_sum(row.text.as_bytes())).collect();
    sums.sort_unstable();
    model.gate_opens_at = sums.get(sums.len() * 20 / 1000).map_or(0, |sum| sum - 1);
    let opened = Classifier::new(model.clone());
    let benign: Vec<&Row> = rows.iter().filter(|row| !row.is_attack).collect();
    let opens = benign.iter().filter(|row| opened.gate(row.text.as_bytes())).count();
    println!("the gate opens above {} for {opens} of {} benign rows", model.gate_opens_at, benign.len());
}

/// Eight bits for each weight, and what they were multiplied with: the largest, but for one in ten thousand, is 127.
fn quantised(weights: &[f32]) -> (Vec<u8>, f32) {
    let mut sizes: Vec<f32> = weights.iter().map(|w| w.abs()).collect();
    sizes.sort_by(f32::total_cmp);
    let scale = 127.0 / sizes[sizes.len() - 1 - sizes.len() / 10_000].max(1e-6);
    let bytes = weights.iter().map(|w| ((w * scale).round().clamp(-127.0, 127.0) as i8) as u8).collect();
    (bytes, scale)
}

fn learnt(examples: &[Example], settings: &Settings, bits: u8) -> Vec<f32> {
    let shift = 32 - u32::from(bits);
    let mut learner = Learner {
        weights: vec![0.0; 1 << bits],
        squares: vec![1e-2; 1 << bits],
        bias: -3.0,
        shift,
        settings,
        dice: Dice(0x1234_5678_9abc_def1),
        kept: Vec::new(),
    };
    let mut order: Vec<usize> = (0..examples.len()).filter(|i| !examples[*i].ends.is_empty()).collect();
    let mut total = vec![0.0_f32; 1 << bits];
    let mut summed = 0.0;
    for epoch in 0..settings.epochs {
        for i in (1..order.len()).rev() {
            order.swap(i, (learner.dice.next() % (i as u64 + 1)) as usize);
        }
        let rate = settings.rate * (1.0 - 0.9 * epoch as f32 / settings.epochs as f32);
        order.iter().for_each(|i| learner.step(&examples[*i], rate, epoch == 0));
        if epoch * 2 >= settings.epochs {
            total.iter_mut().zip(&learner.weights).for_each(|(t, w)| *t += w);
            summed += 1.0;
        }
    }
    total.iter_mut().for_each(|t| *t /= summed);
    total
}

struct Learner<'a> {
    weights: Vec<f32>,
    squares: Vec<f32>,
    bias: f32,
    shift: u32,
    settings: &'a Settings,
    dice: Dice,
    kept: Vec<bool>,
}

impl Learner<'_> {
    fn step(&mut self, example: &Example, rate: f32, is_first: bool) {
        let share = 1.0 - self.settings.dropped;
        self.kept.clear();
        for _ in &example.features {
            let kept = self.dice.share() < share;
            self.kept.push(kept);
        }
        // there are no best stretches before there are weights
        let (start, end, sum) = self.stretch(example, share, is_first);
        let scale = if is_first { (example.ends.len().max(8) as f32).sqrt() } else { 1.0 };
        let aim = if example.is_attack { 1.0 } else { 0.0 };
        let slope = sigmoid(sum / scale + self.bias) - aim;
        if slope.abs() < 1e-4 {
            return;
        }
        self.bias -= 0.02 * rate * slope;
        let slope = slope / scale / share;
        for (feature, kept) in example.features[start..end].iter().zip(&self.kept[start..end]) {
            if *kept {
                let at = (feature >> self.shift) as usize;
                self.squares[at] += slope * slope;
                self.weights[at] -= rate * slope / self.squares[at].sqrt();
            }
        }
    }

    /// The features of the words in a row with the greatest sum, and the sum; or of all words.
    fn stretch(&self, example: &Example, share: f32, all: bool) -> (usize, usize, f32) {
        let mut best = (0, 0, f32::MIN);
        let (mut first, mut run, mut start) = (0, 0.0, 0);
        for end in &example.ends {
            let end = *end as usize;
            let kept = (start..end).filter(|i| self.kept[*i]);
            let word: f32 = kept.map(|i| self.weights[(example.features[i] >> self.shift) as usize]).sum();
            if run <= 0.0 && !all {
                (run, first) = (0.0, start);
            }
            run += (word / share - self.settings.per_word).min(self.settings.most);
            if run > best.2 || all {
                best = (first, end, run);
            }
            start = end;
        }
        best
    }
}

/// Of the machine's own exponential function the last bit differs from system to system.
pub(crate) fn sigmoid(x: f32) -> f32 {
    // (1 + x/1024)^1024
    let mut power = 1.0 - x.clamp(-30.0, 30.0) / 1024.0;
    for _ in 0..10 {
        power *= power;
    }
    1.0 / (1.0 + power)
}
