//! A new authority takes over from an old one: prepared beside it, trusted before it signs, in force from one rename on.
//! Also what else is done to the files of an authority that is there: its key sealed or opened, its certificates counted up.

use super::authority::{key_pem, key_text};
use super::keeper::{Keeper, SEALED};
use super::layout::{CERT, KEY, Layout, Pair};
use super::{Authority, Certificate, Error, make};
use crate::base::atomic;
use crate::base::clock::Timestamp;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

/// What a rotation came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Who signed until now.
    pub previous: Certificate,
    /// Who signs from `activates` on.
    pub next: Certificate,
    /// When it takes over, or took over.
    pub activates: Timestamp,
    /// Has it?
    pub active: bool,
}

/// What can be seen of the authority's files; two equal stamps: nothing to read anew.
pub type Stamp = [Option<(i64, i64, u64, u64)>; 6];

/// Prepares the next authority, which takes over after `overlap`, or when the present one ends, if that is sooner. Without an
/// overlap it takes over now.
///
/// # Errors
/// [`Error::UnderWay`] when one is prepared already, [`Error::Absent`], and what the files and the keeper say.
pub fn rotate(dir: &Path, overlap: Duration, keeper: &dyn Keeper) -> Result<Rotation, Error> {
    rotate_at(dir, overlap, keeper, Timestamp::now())
}

pub(super) fn rotate_at(
    dir: &Path,
    overlap: Duration,
    keeper: &dyn Keeper,
    now: Timestamp,
) -> Result<Rotation, Error> {
    let (layout, io) = (Layout::new(dir), not_made(dir));
    if !layout.exists() {
        return Err(Error::Absent { path: dir.join(CERT) });
    }
    let _lock = layout.lock().map_err(&io)?;
    layout.settle(now).map_err(&io)?;
    layout.sweep();
    let view = layout.view(now)?;
    if let Some((pair, activates)) = view.next {
        let fingerprint = Certificate::read(&pair.cert)?.fingerprint();
        return Err(Error::UnderWay { fingerprint, activates: activates.to_string() });
    }
    // its time may be over: the next one is made all the same
    let previous = Certificate::read(&view.present.cert)?;
    let overlap = i64::try_from(overlap.as_millis()).unwrap_or(i64::MAX);
    let end = previous.not_after().0.max(now.0);
    let activates = Timestamp(now.0.saturating_add(overlap).min(end));
    let staged = layout.stage().map_err(&io)?;
    let made = make::files(&staged, dir, keeper, now, Some(activates)).and_then(|next| {
        fs::rename(&staged, layout.next()).and_then(|()| layout.sync()).map_err(&io)?;
        Ok(next)
    });
    let next = made.inspect_err(|_| {
        let _ = fs::remove_dir_all(&staged);
    })?;
    let active = activates <= now;
    if active {
        layout.commit().map_err(&io)?;
    }
    Ok(Rotation { previous, next, activates, active })
}

/// The prepared authority takes over now.
///
/// # Errors
/// [`Error::NoRotation`]; what is wrong with the prepared one, which stays prepared then.
pub fn commit(dir: &Path, keeper: &dyn Keeper) -> Result<Rotation, Error> {
    let (layout, io, now) = (Layout::new(dir), not_made(dir), Timestamp::now());
    let _lock = layout.lock().map_err(&io)?;
    layout.finish().map_err(&io)?;
    let view = layout.view(Timestamp(i64::MIN))?; // whether its time has come or not
    let Some((pair, _)) = view.next else { return Err(Error::NoRotation) };
    let next = Authority::read(&pair, keeper)?.certificate().clone();
    let previous = Certificate::read(&view.present.cert)?;
    layout.commit().map_err(&io)?;
    Ok(Rotation { previous, next, activates: now, active: true })
}

/// Gives a rotation up; the certificate that was prepared, which some may trust by now.
///
/// # Errors
/// [`Error::NoRotation`], the operating system's.
pub fn cancel(dir: &Path) -> Result<Option<Certificate>, Error> {
    let (layout, io) = (Layout::new(dir), not_made(dir));
    let _lock = layout.lock().map_err(&io)?;
    layout.finish().map_err(&io)?;
    if !super::layout::present(&layout.next()) {
        return Err(Error::NoRotation);
    }
    let given_up = Certificate::read(&layout.next().join(CERT)).ok();
    layout.retire(&layout.next().join(CERT)).map_err(&io)?;
    let staged = layout.stage().map_err(&io)?;
    // one rename takes it away whole; what is left after a crash is swept by the next rotation
    fs::rename(layout.next(), &staged).and_then(|()| layout.sync()).map_err(&io)?;
    fs::remove_dir_all(&staged).map_err(&io)?;
    Ok(given_up)
}

/// Writes the keys that are there as this keeper wants them, sealed or in clear. How many were changed.
///
/// # Errors
/// A key that does not open or is not its certificate's, and what the keeper says. Keys that were changed before stay so.
pub fn protect(dir: &Path, keeper: &dyn Keeper) -> Result<usize, Error> {
    let (layout, io) = (Layout::new(dir), not_made(dir));
    if !layout.exists() {
        return Err(Error::Absent { path: dir.join(CERT) });
    }
    let _lock = layout.lock().map_err(&io)?;
    layout.settle(Timestamp::now()).map_err(&io)?;
    let view = layout.view(Timestamp(i64::MIN))?;
    let mut changed = 0;
    for pair in std::iter::once(view.present).chain(view.next.map(|(pair, _)| pair)) {
        changed += usize::from(rewritten(&pair, keeper)?);
    }
    Ok(changed)
}

fn rewritten(pair: &Pair, keeper: &dyn Keeper) -> Result<bool, Error> {
    let Pair { key, cert } = pair;
    let io = not_made(key);
    Authority::read(pair, keeper)?; // it opens, and is the certificate's
    let (text, of) = (key_text(key)?, Certificate::read(cert)?);
    if text.expose().starts_with(SEALED.as_bytes()) == keeper.seals() {
        return Ok(false);
    }
    let pem = key_pem(key, &text, &of, keeper)?;
    let new = make::written(key, &pem, &of, keeper)?;
    if keeper.seals()
        && keeper.open(std::str::from_utf8(new.expose()).unwrap_or_default(), &of.fingerprint()).as_ref()
            != Ok(&pem)
    {
        return Err(Error::NotMade { path: key.clone(), why: "the sealed key does not open again".into() });
    }
    atomic::write(key, new.expose(), 0o600).map_err(io)?;
    Ok(true)
}

/// Every certificate this directory has ever had clients trust: present, next, and those that were. Needs no key.
///
/// # Errors
/// The present or next one cannot be read; [`Error::Absent`].
pub fn known(dir: &Path) -> Result<Known, Error> {
    let layout = Layout::new(dir);
    let view = layout.view(Timestamp::now())?;
    if !super::layout::present(&view.present.cert) {
        return Err(Error::Absent { path: view.present.cert });
    }
    let mut trusted = vec![Certificate::read(&view.present.cert)?];
    if let Some((pair, _)) = view.next {
        trusted.push(Certificate::read(&pair.cert)?);
    }
    let files = fs::read_dir(layout.retired()).into_iter().flatten().flatten();
    let mut retired: Vec<_> = files.filter_map(|f| Certificate::read(&f.path()).ok()).collect();
    // one that is being replaced at this moment may not be filed yet
    retired.extend(Certificate::read(&dir.join(CERT)));
    retired.retain(|r| !trusted.contains(r));
    retired.sort_by_key(Certificate::fingerprint);
    retired.dedup();
    Ok(Known { trusted, retired })
}

/// Certificates without keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Whom clients are to trust: the present one, and the next one if there is one.
    pub trusted: Vec<Certificate>,
    /// Whom they are to trust no more.
    pub retired: Vec<Certificate>,
}

/// A look at the files of an authority.
#[must_use]
pub fn stamp(dir: &Path) -> Stamp {
    let layout = Layout::new(dir);
    let files = [
        dir.join(KEY),
        dir.join(CERT),
        layout.next(),
        layout.next().join(KEY),
        layout.next().join(super::layout::ACTIVATES),
        layout.switch(),
    ];
    files.map(|f| f.symlink_metadata().ok().map(|m| (m.mtime(), m.mtime_nsec(), m.ino(), m.len())))
}

fn not_made(path: &Path) -> impl Fn(io::Error) -> Error {
    let path = path.to_owned();
    move |e| Error::NotMade { path: path.clone(), why: e.to_string() }
}
