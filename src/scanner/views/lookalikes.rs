//! Characters of other scripts that readers take for Latin letters.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Each letter, and what looks like it: Cyrillic, Greek, Armenian, Cherokee, phonetic letters, small capitals, squared and
/// negative ones.
const ALIKE: &[(char, &str)] = &[
    ('a', "аαɑᴀ"),
    ('b', "ЬƄʙβ"),
    ('c', "сϲᴄⅽ"),
    ('d', "ԁɗᴅđ"),
    ('e', "еєεҽᴇɛ"),
    ('f', "ϝꜰք"),
    ('g', "ɡցɢԍ"),
    ('h', "һհнʜħ"),
    ('i', "іιıɪɩ"),
    ('j', "јϳᴊȷ"),
    ('k', "кκᴋ"),
    ('l', "ӏłʟɭ"),
    ('m', "мᴍɱ"),
    ('n', "пηոɴ"),
    ('o', "оοօσᴏø"),
    ('p', "рρᴘ"),
    ('q', "ԛզǫ"),
    ('r', "гʀɾ"),
    ('s', "ѕꜱʂ"),
    ('t', "тτᴛŧ"),
    ('u', "иυսᴜʋμ"),
    ('v', "ѵνᴠ"),
    ('w', "ԝшωᴡщ"),
    ('x', "хχ"),
    ('y', "уүγʏ"),
    ('z', "ʐᴢ"),
    ('A', "АΑᎪ"),
    ('B', "ВΒᏴ"),
    ('C', "СϹᏟ"),
    ('D', "ᎠƊ"),
    ('E', "ЕΕᎬ"),
    ('F', "ϜҒ"),
    ('G', "ԌᏀ"),
    ('H', "НΗᎻ"),
    ('I', "ІΙӀᏆ"),
    ('J', "ЈᎫ"),
    ('K', "КΚᏦ"),
    ('L', "ᏞԼ"),
    ('M', "МΜᎷ"),
    ('N', "ΝԊ"),
    ('O', "ОΟՕ"),
    ('P', "РΡᏢ"),
    ('Q', "Ԛ"),
    ('R', "ᎡᏒ"),
    ('S', "ЅᏚ"),
    ('T', "ТΤᎢ"),
    ('U', "ՍԱ"),
    ('V', "ѴᏙ"),
    ('W', "ԜᎳ"),
    ('X', "ХΧ"),
    ('Y', "УΥҮ"),
    ('Z', "ΖᏃ"),
];

static LATIN: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    let pairs =
        |(letter, alike): &(char, &'static str)| alike.chars().map(|c| (c, *letter)).collect::<Vec<_>>();
    ALIKE.iter().flat_map(pairs).collect()
});

/// The Latin letter that `c` looks like.
pub(in crate::scanner) fn latin(c: char) -> Option<char> {
    let plain = |first: u32| char::from_u32(u32::from('A') + (u32::from(c) - first));
    match u32::from(c) {
        // squared, negative circled, negative squared
        0x1f130..=0x1f149 => plain(0x1f130),
        0x1f150..=0x1f169 => plain(0x1f150),
        0x1f170..=0x1f189 => plain(0x1f170),
        // regional indicators
        0x1f1e6..=0x1f1ff => plain(0x1f1e6),
        ..0x80 => None,
        _ => LATIN.get(&c).copied(),
    }
}
