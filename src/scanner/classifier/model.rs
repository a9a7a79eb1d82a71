//! The model's file: what the weights are, how a score becomes percent, when the gate opens. Checked when it is loaded, and
//! written by the tool that trains it.

use std::borrow::Cow;

use super::Error;

const MAGIC: [u8; 4] = *b"KTIM";
/// Of the file and of the features: a model is of use only to the code that it was trained with.
const VERSION: u16 = 2;
const HEADER: usize = 96;
/// At the end.
const CHECKSUM: usize = 4;
/// Places where the percentage is written down; between them it is a straight line.
pub const KNOTS: usize = 12;

/// Weights and what goes with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Two to this many weights.
    pub bits: u8,
    /// Two to this many weights of the gate.
    pub gate_bits: u8,
    /// Taken off the sum for each word.
    pub per_word: i16,
    /// A word counts for no more than this.
    pub most_per_word: i16,
    /// As `per_word`, for the gate.
    pub gate_per_word: i16,
    /// The gate opens above this sum.
    pub gate_opens_at: i32,
    /// Sums, rising, and their percent.
    pub knots: [(i32, u8); KNOTS],
    /// The weights, then the gate's.
    pub weights: Cow<'static, [u8]>,
}

/// One of the two tables, as the sums need it.
#[derive(Clone, Copy)]
pub(super) struct Weights<'a> {
    table: &'a [u8],
    shift: u32,
    /// See [`Model`].
    pub(super) per_word: i32,
    /// See [`Model`].
    pub(super) most_per_word: i32,
    /// See [`Model`].
    pub(super) opens_at: i32,
}

impl Weights<'_> {
    #[inline]
    pub(super) fn of(&self, hash: u32) -> i32 {
        i32::from(self.table[(hash >> self.shift) as usize] as i8)
    }
}

impl Model {
    /// Reads a model's file. Of one that is part of the program, the weights stay where they are.
    ///
    /// # Errors
    /// It is no such file, of another version, cut short or changed, or says what cannot be.
    pub fn read(file: impl Into<Cow<'static, [u8]>>) -> Result<Model, Error> {
        let file = file.into();
        let (about, all) = (Model::without_weights(&file)?, HEADER..file.len() - CHECKSUM);
        let weights = match file {
            Cow::Borrowed(file) => Cow::Borrowed(&file[all]),
            Cow::Owned(file) => Cow::Owned(file[all].to_vec()),
        };
        Ok(Model { weights, ..about })
    }

    fn without_weights(file: &[u8]) -> Result<Model, Error> {
        let (body, sum) = file.split_last_chunk::<CHECKSUM>().ok_or(Error::Short)?;
        if body.len() < HEADER {
            return Err(Error::Short);
        }
        if body[..4] != MAGIC {
            return Err(Error::Foreign);
        }
        let version = u16::from_le_bytes([body[4], body[5]]);
        if version != VERSION {
            return Err(Error::Version(version));
        }
        let (bits, gate_bits) = (body[6], body[7]);
        if !(8..=20).contains(&bits) || !(8..=20).contains(&gate_bits) {
            return Err(Error::Senseless("sizes"));
        }
        if body.len() != HEADER + (1 << bits) + (1 << gate_bits) {
            return Err(Error::Short);
        }
        if checksum(body) != u32::from_le_bytes(*sum) {
            return Err(Error::Checksum);
        }
        let short = |at: usize| i16::from_le_bytes([body[at], body[at + 1]]);
        let long = |at: usize| i32::from_le_bytes([body[at], body[at + 1], body[at + 2], body[at + 3]]);
        let knots = std::array::from_fn(|i| (long(18 + 5 * i), body[18 + 5 * i + 4]));
        if knots.windows(2).any(|w| w[0].0 >= w[1].0 || w[0].1 > w[1].1) || knots[KNOTS - 1].1 > 100 {
            return Err(Error::Senseless("percentages"));
        }
        Ok(Model {
            bits,
            gate_bits,
            per_word: short(8),
            most_per_word: short(10),
            gate_per_word: short(12),
            gate_opens_at: long(14),
            knots,
            weights: Cow::default(),
        })
    }

    /// The file that [`read`](Self::read) reads.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut file = MAGIC.to_vec();
        file.extend(VERSION.to_le_bytes());
        file.extend([self.bits, self.gate_bits]);
        file.extend(self.per_word.to_le_bytes());
        file.extend(self.most_per_word.to_le_bytes());
        file.extend(self.gate_per_word.to_le_bytes());
        file.extend(self.gate_opens_at.to_le_bytes());
        for (sum, percent) in self.knots {
            file.extend(sum.to_le_bytes());
            file.push(percent);
        }
        file.resize(HEADER, 0);
        file.extend(self.weights.iter());
        file.extend(checksum(&file).to_le_bytes());
        file
    }

    /// Percent for a sum.
    #[must_use]
    pub fn percent(&self, sum: i32) -> u8 {
        let above = self.knots.partition_point(|(at, _)| *at <= sum);
        let (Some(low), Some(high)) = (above.checked_sub(1).map(|i| self.knots[i]), self.knots.get(above))
        else {
            return self.knots[above.saturating_sub(1)].1;
        };
        let (rise, run) = (i64::from(high.1 - low.1), i64::from(high.0) - i64::from(low.0));
        low.1 + (rise * (i64::from(sum) - i64::from(low.0)) / run) as u8
    }

    pub(super) fn main(&self) -> Weights<'_> {
        Weights {
            table: &self.weights[..1 << self.bits],
            shift: 32 - u32::from(self.bits),
            per_word: self.per_word.into(),
            most_per_word: self.most_per_word.into(),
            opens_at: i32::MAX,
        }
    }

    pub(super) fn gate(&self) -> Weights<'_> {
        Weights {
            table: &self.weights[1 << self.bits..],
            shift: 32 - u32::from(self.gate_bits),
            per_word: self.gate_per_word.into(),
            most_per_word: i32::MAX,
            opens_at: self.gate_opens_at,
        }
    }
}

fn checksum(body: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(body);
    crc.sum()
}
