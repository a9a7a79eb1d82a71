//! The search for keywords: the only code that sees every byte of a text. What stands at a keyword is a rule's business.

mod beginnings;
mod choice;
mod disguise;
mod effort;
mod grams;
mod lane;
mod pieces;
mod places;
mod prefilter;
mod rarity;
mod words;

#[cfg(test)]
pub(super) use effort::WORK;
pub(super) use effort::Work;
pub(super) use lane::{Lane, Look};
pub(super) use prefilter::{Keyword, Next, Prefilter};
pub(super) use rarity::Rarity;
