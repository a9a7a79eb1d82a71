//! `MasterKey`: 32 random bytes on a page of their own that is kept out of swap where the system allows it.

use crate::base::id::random;
use crate::vault::error::Error;
use data_encoding::BASE64;
use std::fmt;
use std::path::PathBuf;
use zeroize::{Zeroize, Zeroizing};

/// Bytes of a master key.
pub(super) const LENGTH: usize = 32;

/// 256 random bits. Wiped on drop, never printed, locked into memory where the system allows it.
pub struct MasterKey(Locked);

/// 32 bytes that share their page with nothing, since a page is locked and unlocked as a whole.
pub(super) struct Locked {
    page: Box<Page>,
    /// `None`: the system refused; [`crate::vault::harden::lockable`] says so to whoever asks.
    _held: Option<region::LockGuard>,
}

/// As large as the largest page that the supported systems use.
#[repr(align(16384))]
struct Page([u8; 16384]);

impl Locked {
    /// These bytes; the caller wipes its own copy.
    pub(super) fn new(bytes: &[u8; LENGTH]) -> Self {
        let mut page = Box::new(Page([0; 16384]));
        let held = region::lock(page.0.as_ptr(), LENGTH).ok();
        page.0[..LENGTH].copy_from_slice(bytes);
        Self { page, _held: held }
    }

    pub(super) fn bytes(&self) -> &[u8; LENGTH] {
        // a page is longer than a key
        self.page.0.first_chunk().unwrap_or(&[0; LENGTH])
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        self.page.0[..LENGTH].zeroize();
    }
}

impl MasterKey {
    /// A new one.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn generate() -> Result<Self, Error> {
        let mut bytes = random::<LENGTH>().map_err(|e| no_randomness(&e))?;
        let key = Self(Locked::new(&bytes));
        bytes.zeroize();
        Ok(key)
    }

    /// Exactly 32 bytes; of any other length it is no key.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(Locked::new(bytes.try_into().ok()?)))
    }

    /// Reads base64 of exactly 32 bytes; surrounding white space does not count.
    #[must_use]
    pub fn from_base64(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(BASE64.decode(text.trim().as_bytes()).ok()?);
        Self::from_bytes(&bytes)
    }

    /// The same, back.
    #[must_use]
    pub fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE64.encode(self.bytes()))
    }

    pub(in crate::vault) fn bytes(&self) -> &[u8; LENGTH] {
        self.0.bytes()
    }

    /// Is it the same key? In constant time.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        subtle::ConstantTimeEq::ct_eq(&self.bytes()[..], &other.bytes()[..]).into()
    }
}

/// The machine has no randomness to give; nothing can be sealed then.
pub(in crate::vault) fn no_randomness(e: &std::io::Error) -> Error {
    Error::Io { path: PathBuf::from("getrandom"), why: e.to_string() }
}

impl Clone for MasterKey {
    fn clone(&self) -> Self {
        Self(Locked::new(self.bytes()))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_printed_and_only_32_bytes_are_one() {
        let key = MasterKey::generate().unwrap();
        assert_eq!(format!("{key:?}"), "MasterKey(…)");
        assert!(MasterKey::from_base64(&format!(" {}\n", &*key.to_base64())).unwrap().same(&key));
        assert!(key.clone().same(&key) && !key.same(&MasterKey::generate().unwrap()));
        for length in [0, 31, 33] {
            assert!(MasterKey::from_bytes(&vec![1; length]).is_none());
        }
    }

    /// Bytes of this process that are locked, as the kernel counts them around the page of a key.
    #[cfg(target_os = "linux")]
    fn locked_around(key: &MasterKey) -> Option<u64> {
        let at = key.bytes().as_ptr().addr();
        let smaps = std::fs::read_to_string("/proc/self/smaps").ok()?;
        let mut inside = false;
        for line in smaps.lines() {
            let range = line.split(' ').next().and_then(|r| r.split_once('-'));
            if let Some((Ok(from), Ok(to))) =
                range.map(|(a, b)| (usize::from_str_radix(a, 16), usize::from_str_radix(b, 16)))
            {
                inside = (from..to).contains(&at);
            } else if inside && let Some(kib) = line.strip_prefix("Locked:") {
                return kib.trim().strip_suffix(" kB")?.parse().ok();
            }
        }
        None
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_page_of_a_key_is_locked_into_memory() {
        let key = MasterKey::generate().unwrap();
        if !crate::vault::harden::lockable() {
            return eprintln!("skipped: this system lets nobody lock memory");
        }
        match locked_around(&key) {
            Some(kib) => assert!(kib > 0, "the page of the key is not locked"),
            None => eprintln!("skipped: /proc/self/smaps does not say what is locked"),
        }
    }
}
