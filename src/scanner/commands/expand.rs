//! Words → what the program gets: braces, variables, substitutions, splitting, globs that spell a known path.

use super::act::{Field, Stream, Tricks, join};
use super::machine::Machine;
use super::paths;
use super::tree::{Piece, Word};
use super::variables;

/// No word becomes longer.
pub(super) const LONGEST: usize = 16 << 10;
/// No word becomes more words.
const MOST_FIELDS: usize = 256;
/// Of a brace expansion.
const MOST_BRACES: usize = 64;
/// A longer word is no brace expansion.
const LONGEST_BRACES: usize = 1024;

impl Machine {
    /// All fields of all words.
    pub(super) fn fields(&mut self, words: &[Word]) -> Vec<Field> {
        let mut fields = Vec::new();
        for word in words {
            let first = fields.is_empty();
            let words = braces(word);
            if words.len() > 1 && !self.spend(words.len() * 8) {
                return fields;
            }
            for (word, braced) in words {
                if fields.len() < MOST_FIELDS {
                    self.split(&word, first && fields.is_empty(), braced, &mut fields);
                }
            }
        }
        fields
    }

    /// A word as one field: of an assignment or a redirection.
    pub(super) fn field(&mut self, word: &Word) -> Field {
        let mut field = Field::default();
        for piece in word {
            let (stream, _) = self.piece(piece, false);
            add(&mut field, &stream);
        }
        field.tricks.add(spelling(word));
        field
    }

    /// One word, split where an unquoted value has blanks.
    fn split(&mut self, word: &Word, names_program: bool, braced: bool, out: &mut Vec<Field>) {
        let mut field = Field::default();
        let mut open = false;
        let globs = word.iter().any(|p| matches!(p, Piece::Plain(t) if t.contains(['*', '?', '['])));
        for piece in word {
            let (stream, splits) = self.piece(piece, names_program);
            field.tricks.add(stream.tricks);
            let Some(text) = stream.text.as_deref().filter(|_| splits) else {
                add(&mut field, &stream);
                open = true;
                continue;
            };
            let separators = self.separators();
            let mut parts = text.split(|c| separators.contains(c)).peekable();
            while let Some(part) = parts.next() {
                if !part.is_empty() {
                    join(&mut field.from, &stream.from);
                    push(&mut field.text, part);
                    open = true;
                }
                if parts.peek().is_some() && open && out.len() < MOST_FIELDS {
                    let tricks = field.tricks;
                    out.push(std::mem::take(&mut field));
                    field.tricks = tricks;
                    open = false;
                }
            }
        }
        if open {
            out.push(field);
        }
        let (from, tricks) = (out.len().saturating_sub(1), spelling(word));
        for field in &mut out[from..] {
            field.tricks.add(tricks);
            if braced {
                field.tricks.add(Tricks::BRACE);
            }
            if globs && let Some(path) = paths::spelt(&field.text, names_program) {
                field.text = path.to_owned();
                field.tricks.add(Tricks::GLOB);
            }
        }
    }

    fn separators(&self) -> String {
        match self.variables.get("IFS") {
            Some(ifs) if !ifs.is_empty() => ifs[0].text.clone(),
            _ => " \t\n".to_owned(),
        }
    }

    /// What a piece stands for, and whether it is split.
    fn piece(&mut self, piece: &Piece, names_program: bool) -> (Stream, bool) {
        match piece {
            Piece::Plain(text) => (Stream::known(text.as_str()), false),
            Piece::Quoted(text) => (Stream::known(text.as_str()), false),
            Piece::Escaped(text) => {
                (Stream { tricks: Tricks::ESCAPE, ..Stream::known(text.as_str()) }, false)
            }
            Piece::Variable(inner, quoted) => {
                let mut stream = variables::value(self, inner, names_program);
                stream.tricks.add(if inner.contains("IFS") { Tricks::IFS } else { Tricks::VARIABLE });
                (stream, !quoted)
            }
            Piece::Output(node, quoted) => {
                let mut stream = self.nested(node);
                stream.tricks.add(Tricks::OUTPUT);
                match &mut stream.text {
                    Some(text) => text.truncate(text.trim_end_matches('\n').len()),
                    None => stream.text = Some("$(…)".to_owned()),
                }
                (stream, !quoted)
            }
            Piece::Process(node) => {
                let stream = self.nested(node);
                let name = format!("/dev/fd/{}", 63 + self.files.len());
                self.files.insert(name.clone(), stream.clone());
                (Stream { text: Some(name), ..stream }, false)
            }
        }
    }
}

fn add(field: &mut Field, stream: &Stream) {
    join(&mut field.from, &stream.from);
    field.tricks.add(stream.tricks);
    push(&mut field.text, stream.text.as_deref().unwrap_or_default());
}

/// Appends as much as there is room for.
pub(super) fn push(text: &mut String, more: &str) {
    if text.len() + more.len() <= LONGEST {
        text.push_str(more);
    }
}

/// Is the word put together from pieces that one would write as one?
fn spelling(word: &Word) -> Tricks {
    let letters = |text: &str| text.chars().any(char::is_alphanumeric);
    let pieces =
        word.iter().filter(|p| matches!(p, Piece::Plain(t) | Piece::Quoted(t) if letters(t))).count();
    let empty = word.len() > 1 && word.iter().any(|p| matches!(p, Piece::Quoted(t) if t.is_empty()));
    if pieces > 1 || empty { Tricks::SPLIT } else { Tricks::default() }
}

/// The words that braces make of one; itself if it has none. And whether they did.
fn braces(word: &Word) -> Vec<(Word, bool)> {
    let plain: usize = word.iter().map(|p| if let Piece::Plain(t) = p { t.len() } else { 1 }).sum();
    if plain > LONGEST_BRACES || !word.iter().any(|p| matches!(p, Piece::Plain(t) if t.contains('{'))) {
        return vec![(word.clone(), false)];
    }
    let mut open = vec![word.clone()];
    let mut done = Vec::new();
    let mut braced = false;
    let mut left = MOST_BRACES;
    while let Some(word) = open.pop() {
        match one_brace(&word).filter(|_| left > 0) {
            Some(words) => {
                braced = true;
                left = left.saturating_sub(words.len());
                open.extend(words.into_iter().rev());
            }
            None => done.push(word),
        }
    }
    done.into_iter().map(|w| (w, braced)).collect()
}

/// Takes the first pair of braces apart.
fn one_brace(word: &Word) -> Option<Vec<Word>> {
    let (first, at) = word.iter().enumerate().find_map(|(i, p)| match p {
        Piece::Plain(text) => {
            text.match_indices('{').map(|(at, _)| at).find(|at| closes(word, i, *at)).map(|at| (i, at))
        }
        _ => None,
    })?;
    let Piece::Plain(text) = &word[first] else { return None };
    let mut before = word[..first].to_vec();
    plain(&mut before, &text[..at]);
    let mut items: Vec<Word> = vec![Word::new()];
    let mut after: Word = Word::new();
    let (mut deep, mut shut) = (0_usize, false);
    for (i, piece) in word.iter().enumerate().skip(first) {
        let Piece::Plain(text) = piece else {
            if shut {
                after.push(piece.clone());
            } else {
                items.last_mut()?.push(piece.clone());
            }
            continue;
        };
        let mut from = if i == first { at + 1 } else { 0 };
        let begin = from;
        for (j, c) in text.char_indices().skip_while(|(j, _)| *j < begin) {
            if shut {
                break;
            }
            let part = &text[from..j];
            match c {
                '{' => deep += 1,
                '}' if deep > 0 => deep -= 1,
                '}' => {
                    plain(items.last_mut()?, part);
                    (from, shut) = (j + 1, true);
                }
                ',' if deep == 0 => {
                    plain(items.last_mut()?, part);
                    items.push(Word::new());
                    from = j + 1;
                }
                _ => {}
            }
        }
        plain(if shut { &mut after } else { items.last_mut()? }, &text[from..]);
    }
    if items.len() == 1 {
        items = range(&items[0])?;
    }
    let whole = |item: Word| before.iter().cloned().chain(item).chain(after.iter().cloned()).collect();
    Some(items.into_iter().map(whole).collect())
}

/// Does the brace at this place have its other half, with a comma or `..` between?
fn closes(word: &Word, first: usize, at: usize) -> bool {
    let (mut deep, mut comma) = (0_usize, false);
    for (i, piece) in word.iter().enumerate().skip(first) {
        let Piece::Plain(text) = piece else { continue };
        let text = if i == first { &text[at + 1..] } else { text };
        comma |= deep == 0 && text.split('}').next().is_some_and(|t| t.contains(".."));
        for b in text.bytes() {
            match b {
                b'{' => deep += 1,
                b'}' if deep == 0 => return comma,
                b'}' => deep -= 1,
                b',' if deep == 0 => comma = true,
                _ => {}
            }
        }
    }
    false
}

/// `a..e`, `1..3`.
fn range(item: &Word) -> Option<Vec<Word>> {
    let [Piece::Plain(text)] = item.as_slice() else { return None };
    let (from, to) = text.split_once("..")?;
    let step = |from: u32, to: u32| {
        if from <= to {
            (from..=to).take(64).collect::<Vec<_>>()
        } else {
            (to..=from).rev().take(64).collect()
        }
    };
    let words = match (from.parse::<u32>(), to.parse::<u32>()) {
        (Ok(from), Ok(to)) => step(from, to).iter().map(ToString::to_string).collect::<Vec<_>>(),
        _ if from.chars().count() == 1 && to.chars().count() == 1 => {
            step(from.chars().next()?.into(), to.chars().next()?.into())
                .into_iter()
                .filter_map(char::from_u32)
                .map(String::from)
                .collect()
        }
        _ => return None,
    };
    Some(words.into_iter().map(|w| vec![Piece::Plain(w)]).collect())
}

fn plain(word: &mut Word, text: &str) {
    if !text.is_empty() {
        word.push(Piece::Plain(text.to_owned()));
    }
}
