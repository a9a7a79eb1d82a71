//! Letters of other scripts by their sound: `рм` is read as `rm` by whoever knows the script, whatever it looks like.

/// Cyrillic and Greek letters, and the Latin ones they stand for.
const SOUNDS: &[(char, char)] = &[
    ('а', 'a'),
    ('б', 'b'),
    ('в', 'v'),
    ('г', 'g'),
    ('д', 'd'),
    ('е', 'e'),
    ('з', 'z'),
    ('и', 'i'),
    ('к', 'k'),
    ('л', 'l'),
    ('м', 'm'),
    ('н', 'n'),
    ('о', 'o'),
    ('п', 'p'),
    ('р', 'r'),
    ('с', 's'),
    ('т', 't'),
    ('у', 'u'),
    ('ф', 'f'),
    ('х', 'h'),
    ('ц', 'c'),
    ('α', 'a'),
    ('β', 'b'),
    ('γ', 'g'),
    ('δ', 'd'),
    ('ε', 'e'),
    ('ι', 'i'),
    ('κ', 'k'),
    ('λ', 'l'),
    ('μ', 'm'),
    ('ν', 'n'),
    ('ο', 'o'),
    ('π', 'p'),
    ('ρ', 'r'),
    ('σ', 's'),
    ('τ', 't'),
    ('υ', 'u'),
    ('χ', 'x'),
];

/// The text with each such letter as the Latin one of its sound.
pub(super) fn sounded(text: &str) -> String {
    text.chars().map(|c| SOUNDS.iter().find(|(of, _)| *of == c).map_or(c, |(_, latin)| *latin)).collect()
}
