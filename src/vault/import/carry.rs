//! Carrying a plan out: one write to the vault for everything, read back; only then the files, one after the other.

use super::{Error, Fate, Find, Form, Plan, Reading, SourceFile, Spot};
use crate::base::secret::Secret;
use crate::vault::{Expiry, Meta, Name, Vault};
use data_encoding::BASE64;
use std::path::PathBuf;
use std::sync::Arc;

/// What was done.
#[derive(Debug, Default)]
pub struct Carried {
    /// For each row of the plan that is kept, its placeholder.
    pub placeholders: Vec<Option<Arc<str>>>,
    /// Files that hold placeholders now.
    pub replaced: Vec<Replaced>,
    /// Values that are in the vault and still stand in a file: `(file, line, called, why)`.
    pub left: Vec<(PathBuf, usize, String, String)>,
    /// Files that could not be rewritten, though the vault has their values.
    pub failed: Vec<Error>,
}

/// A file that was rewritten.
#[derive(Debug)]
pub struct Replaced {
    /// Which.
    pub file: PathBuf,
    /// How many values in it are placeholders now.
    pub values: usize,
    /// The copy of what it was, with the secrets in it.
    pub backup: Option<PathBuf>,
}

/// Carries it out. `replace`: put placeholders into the files, and `backup`: keep copies of what they were.
///
/// # Errors
/// Whatever prevents the one write to the vault, or a file that may not be replaced: nothing has happened then.
/// [`Error::ReadBack`]: the vault has been written, no file has been touched.
pub fn carry(
    vault: &Vault,
    readings: &[Reading],
    plan: &Plan,
    overwrite: bool,
    replace: bool,
    backup: bool,
) -> Result<Carried, Error> {
    let found = |row: &super::Row| &readings[row.reading].finds[row.find];
    if replace {
        for row in plan.places(readings).0 {
            readings[row.reading].origin.file().map_or(Ok(()), SourceFile::may_be_replaced)?;
        }
    }
    let news = plan.rows.iter().filter(|r| matches!(r.fate, Fate::New | Fate::Over));
    let meta = |find: &Find| Meta {
        allow_short: true,
        document: find.is_document(),
        expires: find.expires.map(Expiry::At),
        ..Meta::default()
    };
    let news: Vec<(Name, Secret, Meta)> =
        news.map(|row| (row.name.clone(), found(row).value.clone(), meta(found(row)))).collect();
    if !news.is_empty() {
        vault.set_all(&news, overwrite)?;
    }
    let held = vault.hold()?;
    let mut done = Carried::default();
    for row in &plan.rows {
        let now = held.iter().find(|h| *h.name == *row.name.as_str());
        done.placeholders.push(match now {
            _ if !row.fate.is_kept() => None,
            Some(h) if h.value == found(row).value => Some(h.placeholder.clone()),
            _ => return Err(Error::ReadBack(row.name.to_string())),
        });
    }
    if replace {
        rewrite(readings, plan, backup, &mut done);
    }
    Ok(done)
}

fn rewrite(readings: &[Reading], plan: &Plan, backup: bool, done: &mut Carried) {
    let (can, cannot) = plan.places(readings);
    for (row, why) in cannot {
        let reading = &readings[row.reading];
        let find = &reading.finds[row.find];
        if let (Some(file), Some(spot)) = (reading.origin.file(), &find.spot) {
            done.left.push((file.path().to_owned(), spot.line, find.called.clone(), why.to_owned()));
        }
    }
    for (index, reading) in readings.iter().enumerate() {
        let Some(file) = reading.origin.file() else { continue };
        let mut edits: Vec<(&Spot, Arc<str>)> = Vec::new();
        let mut values = Vec::new();
        for (row, placeholder) in plan.rows.iter().zip(&done.placeholders) {
            let find = &reading.finds.get(row.find);
            let here = row.reading == index && can.iter().any(|r| std::ptr::eq(*r, row));
            if let (true, Some(find), Some(placeholder)) = (here, find, placeholder)
                && let Some(spot) = &find.spot
            {
                edits.push((spot, placeholder.clone()));
                values.push((find.called.as_str(), &find.value));
            }
        }
        if edits.is_empty() {
            continue;
        }
        let bytes = edited(file.bytes(), &edits);
        let kept = if backup { file.back_up().map(Some) } else { Ok(None) };
        match kept.and_then(|copy| file.replace(&bytes).map(|()| copy)) {
            Ok(backup) => {
                done.replaced.push(Replaced { file: file.path().to_owned(), values: edits.len(), backup });
            }
            Err(e) => {
                done.failed.push(e);
                continue;
            }
        }
        for (called, value) in values {
            if let Some(at) = memchr::memmem::find(&bytes, value.expose()) {
                let line = super::source::line_of(&bytes, at);
                let why = "it stands there a second time, where it is no value".to_owned();
                done.left.push((file.path().to_owned(), line, called.to_owned(), why));
            }
        }
    }
}

/// The same bytes, with each placeholder in its place.
fn edited(bytes: &[u8], edits: &[(&Spot, Arc<str>)]) -> Vec<u8> {
    let mut edits: Vec<&(&Spot, Arc<str>)> = edits.iter().collect();
    edits.sort_by_key(|(spot, _)| spot.range.start);
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    for (spot, placeholder) in edits {
        out.extend_from_slice(&bytes[at..spot.range.start]);
        match &spot.form {
            Form::Plain | Form::Never(_) => out.extend_from_slice(placeholder.as_bytes()),
            Form::Basic(user) => {
                out.extend_from_slice(BASE64.encode(format!("{user}:{placeholder}").as_bytes()).as_bytes());
            }
            Form::Base64 => out.extend_from_slice(BASE64.encode(placeholder.as_bytes()).as_bytes()),
        }
        at = spot.range.end;
    }
    out.extend_from_slice(&bytes[at..]);
    out
}
