//! What a source that can be written keeps: the present key, the next one while a rotation is under way, and the vaults the
//! key has opened. One text, replaced whole, so that no crash leaves half of a rotation behind. The same for key file, OS
//! keyring and kernel keyring.

use super::{KeySource, MasterKey, Source};
use crate::vault::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const HEADING: &str = "# katana vault key: whoever reads it reads the vault";
const OPENED: &str = "# has opened ";
const NEXT: &str = "next ";

/// A place for one text that is replaced in one step or not at all.
pub(super) trait Shelf: Send + Sync + fmt::Debug {
    /// Which source it makes.
    fn name(&self) -> Source;

    /// The text; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be asked.
    fn read(&self) -> Result<Option<Zeroizing<String>>, Error>;

    /// Puts this text in the place of the last, durably.
    ///
    /// # Errors
    /// When it did not; then the last one is still there.
    fn write(&self, text: &str) -> Result<(), Error>;

    /// Takes the text away. Not there: nothing to do.
    ///
    /// # Errors
    /// When it is still there.
    fn erase(&self) -> Result<(), Error>;
}

/// The text, understood.
struct Record {
    /// Katana wrote it: it may be written again without being asked.
    ours: bool,
    present: MasterKey,
    next: Option<MasterKey>,
    opened: Vec<String>,
}

impl Record {
    fn new(present: MasterKey) -> Self {
        Self { ours: true, present, next: None, opened: Vec::new() }
    }

    /// One line of base64, at most one with the next key, any comments. `None`: it is something else.
    fn parse(text: &str) -> Option<Self> {
        let lines = || text.lines().map(str::trim);
        let opened = lines().filter_map(|l| l.strip_prefix(OPENED)).map(str::to_owned).collect();
        let mut keys = lines().filter(|l| !l.is_empty() && !l.starts_with('#'));
        let present = MasterKey::from_base64(keys.next()?)?;
        let next = match keys.next() {
            Some(line) => Some(MasterKey::from_base64(line.strip_prefix(NEXT)?)?),
            None => None,
        };
        keys.next().is_none().then_some(Self { ours: text.starts_with(HEADING), present, next, opened })
    }

    fn text(&self) -> Zeroizing<String> {
        // of one piece from the beginning: a text that grows leaves copies behind
        let mut text = Zeroizing::new(String::with_capacity(
            256 + self.opened.iter().map(|p| p.len() + 32).sum::<usize>(),
        ));
        text.push_str(HEADING);
        text.push('\n');
        text.push_str(&self.present.to_base64());
        text.push('\n');
        if let Some(next) = &self.next {
            text.push_str(NEXT);
            text.push_str(&next.to_base64());
            text.push('\n');
        }
        for path in &self.opened {
            text.push_str(OPENED);
            text.push_str(path);
            text.push('\n');
        }
        text
    }
}

fn record(shelf: &impl Shelf) -> Result<Option<Record>, Error> {
    let Some(text) = shelf.read()? else { return Ok(None) };
    Record::parse(&text).map(Some).ok_or_else(|| Error::KeyUnusable {
        origin: shelf.name().to_string(),
        why: "it does not hold one line with the base64 of 32 bytes".into(),
    })
}

impl<T: Shelf> KeySource for T {
    fn source(&self) -> Source {
        self.name()
    }

    fn load(&self) -> Result<Option<MasterKey>, Error> {
        Ok(record(self)?.map(|r| r.present))
    }

    fn store(&self, key: &MasterKey) -> Result<(), Error> {
        self.write(&Record::new(key.clone()).text())
    }

    fn staged(&self) -> Result<Option<MasterKey>, Error> {
        Ok(record(self)?.and_then(|r| r.next))
    }

    fn stage(&self, next: &MasterKey) -> Result<(), Error> {
        let Some(record) = record(self)? else {
            return Err(Error::KeyMissing(format!(
                "{} has none that could be followed by another",
                self.name()
            )));
        };
        self.write(&Record { next: Some(next.clone()), ..record }.text())?;
        match self.staged()? {
            Some(kept) if kept.same(next) => Ok(()),
            _ => Err(Error::not_kept(&self.name())),
        }
    }

    fn promote(&self) -> Result<(), Error> {
        match record(self)? {
            Some(Record { next: Some(next), opened, .. }) => {
                self.write(&Record { opened, ..Record::new(next) }.text())
            }
            _ => Ok(()),
        }
    }

    fn unstage(&self) -> Result<(), Error> {
        match record(self)? {
            Some(record) if record.next.is_some() => self.write(&Record { next: None, ..record }.text()),
            _ => Ok(()),
        }
    }

    fn forget(&self) -> Result<(), Error> {
        self.erase()
    }

    fn remembers(&self, vault: &Path) -> bool {
        let path = vault.to_string_lossy();
        record(self).is_ok_and(|r| r.is_some_and(|r| r.opened.iter().any(|p| *p == path)))
    }

    fn also_opens(&self, vault: &Path) -> Option<PathBuf> {
        let opened = record(self).ok().flatten().map(|r| r.opened).unwrap_or_default();
        opened.into_iter().map(PathBuf::from).find(|p| p != vault && p.exists())
    }

    fn remember(&self, vault: &Path) -> Result<(), Error> {
        let path = vault.to_string_lossy().into_owned();
        match record(self)? {
            // a key that somebody else laid there, or mounted, is theirs to write
            Some(mut record) if record.ours && !record.opened.contains(&path) => {
                record.opened.push(path);
                self.write(&record.text())
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;

    #[derive(Debug, Default)]
    struct Memory(Mutex<Option<String>>);

    impl Shelf for Memory {
        fn name(&self) -> Source {
            Source::Keyring
        }
        fn read(&self) -> Result<Option<Zeroizing<String>>, Error> {
            Ok(self.0.lock().clone().map(Zeroizing::new))
        }
        fn write(&self, text: &str) -> Result<(), Error> {
            *self.0.lock() = Some(text.to_owned());
            Ok(())
        }
        fn erase(&self) -> Result<(), Error> {
            *self.0.lock() = None;
            Ok(())
        }
    }

    #[test]
    fn a_rotation_ends_with_one_key_whichever_way_it_ends() {
        let [one, two] = [(); 2].map(|()| MasterKey::generate().unwrap());
        let (shelf, vault) = (Memory::default(), Path::new("/v/vault.json"));
        assert!(shelf.stage(&two).is_err(), "nothing follows nothing");
        shelf.store(&one).unwrap();
        shelf.remember(vault).unwrap();
        for promoted in [false, true] {
            shelf.stage(&two).unwrap();
            assert!(shelf.load().unwrap().unwrap().same(&one), "the present one stays");
            assert!(shelf.staged().unwrap().unwrap().same(&two));
            if promoted { shelf.promote() } else { shelf.unstage() }.unwrap();
            assert!(shelf.staged().unwrap().is_none());
            assert!(shelf.load().unwrap().unwrap().same(if promoted { &two } else { &one }));
        }
        shelf.promote().unwrap();
        shelf.unstage().unwrap();
        assert!(shelf.load().unwrap().unwrap().same(&two), "with nothing staged nothing happens");
        assert!(shelf.remembers(vault) && !shelf.remembers(Path::new("/v")));
        shelf.forget().unwrap();
        assert!(shelf.load().unwrap().is_none() && !shelf.remembers(vault));
    }

    #[test]
    fn what_is_no_record_is_an_error() {
        let key = MasterKey::generate().unwrap().to_base64();
        let shelf = Memory::default();
        for bad in ["", "next", "# nothing", &format!("{}\n{}", &*key, &*key), &format!("next {}", &*key)] {
            shelf.write(bad).unwrap();
            assert_eq!(shelf.load().unwrap_err().code(), "vault_key_unusable", "{} bytes", bad.len());
        }
        shelf.write(&format!("\n # mine\n {} \n", &*key)).unwrap();
        assert_eq!(*shelf.load().unwrap().unwrap().to_base64(), *key);
    }
}
