//! The recovery phrase: a master key as 24 English words (BIP-39), the last of which carries a checksum.

use super::MasterKey;
use crate::vault::error::Error;
use bip39::{Language, Mnemonic};
use zeroize::{Zeroize, Zeroizing};

/// Words in a phrase.
pub const WORDS: usize = 24;

/// The key as words, one space between them.
///
/// # Errors
/// Never for a key of 32 bytes.
pub fn write(key: &MasterKey) -> Result<Zeroizing<String>, Error> {
    let phrase = Mnemonic::from_entropy_in(Language::English, key.bytes())
        .map_err(|e| Error::BadPhrase(e.to_string()))?;
    // of one piece from the beginning: a text that grows leaves copies behind
    let mut text = Zeroizing::new(String::with_capacity(WORDS * 9));
    for word in phrase.words() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    Ok(text)
}

/// The key again. Case, numbering (`1.`) and white space do not count.
///
/// # Errors
/// [`Error::BadPhrase`], which names the place of the first wrong word and never the word.
pub fn read(text: &str) -> Result<MasterKey, Error> {
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    let number = |w: &&str| w.trim_end_matches(['.', ':', ')']).bytes().all(|b| b.is_ascii_digit());
    for word in text.split_whitespace().filter(|w| !number(w)) {
        if !plain.is_empty() {
            plain.push(' ');
        }
        plain.extend(word.chars().map(|c| c.to_ascii_lowercase()));
    }
    let count = plain.split(' ').filter(|w| !w.is_empty()).count();
    if count != WORDS {
        return Err(Error::BadPhrase(format!("it has {count} words, not {WORDS}")));
    }
    let phrase = Mnemonic::parse_in_normalized(Language::English, &plain).map_err(|e| {
        Error::BadPhrase(match e {
            bip39::Error::UnknownWord(n) => format!("word {} is not in the list", n + 1),
            bip39::Error::InvalidChecksum => {
                "its words do not belong together (wrong word, or wrong order)".into()
            }
            _ => "it cannot be read".into(),
        })
    })?;
    let (mut bytes, length) = phrase.to_entropy_array();
    let key = bytes.get(..length).and_then(MasterKey::from_bytes);
    bytes.zeroize();
    key.ok_or_else(|| Error::BadPhrase("it stands for something shorter than a key".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_is_the_key_and_a_slip_is_caught() {
        let key = MasterKey::generate().unwrap();
        let phrase = write(&key).unwrap();
        assert_eq!(phrase.split(' ').count(), WORDS);
        assert!(read(&phrase).unwrap().same(&key));
        let numbered: Vec<String> =
            phrase.to_uppercase().split(' ').enumerate().map(|(n, w)| format!("{}. {w}\n", n + 1)).collect();
        assert!(read(&numbered.concat()).unwrap().same(&key));
        let words: Vec<&str> = phrase.split(' ').collect();
        let why = |words: &[&str]| read(&words.join(" ")).unwrap_err().to_string();
        assert!(why(&words[1..]).contains("23 words"));
        let mut slip = words.clone();
        slip[4] = "katana";
        let said = why(&slip);
        assert!(said.contains("word 5") && !said.contains("katana"), "{said}");
        assert!(why(&[]).contains("0 words"));
    }

    #[test]
    fn the_words_are_those_of_the_standard() {
        let zero = MasterKey::from_bytes(&[0; 32]).unwrap();
        let phrase = write(&zero).unwrap();
        assert_eq!(*phrase, format!("{}art", "abandon ".repeat(23)));
        let swapped = phrase.replace("abandon art", "art abandon");
        assert_eq!(read(&swapped).unwrap_err().code(), "vault_bad_phrase", "the order counts");
    }
}
