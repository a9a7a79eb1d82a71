//! Everything that can go wrong with the vault, with the stable short name that scripts and the audit see.
//! No variant carries a value or key bytes.

use crate::config::yaml::YamlError;
use std::io;
use std::path::{Path, PathBuf};

/// Why the vault did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The lock sentinel is there.
    #[error("the vault is locked{said} (the sentinel {} is there)", .sentinel.display())]
    Locked {
        /// The sentinel.
        sentinel: PathBuf,
        /// ` since WHEN by WHOM: WHY`, if it says so.
        said: String,
    },
    /// The file and the anchor were written with another key.
    #[error("the key from {0} is not the key this vault was written with")]
    KeyWrong(String),
    /// The vault is there and no source has a key; or the only source allowed cannot be given one.
    #[error("no master key: {0}")]
    KeyMissing(String),
    /// A source has something that is no key, or cannot be asked.
    #[error("the key from {origin} cannot be used: {why}")]
    KeyUnusable {
        /// Which source.
        origin: String,
        /// What is wrong with it.
        why: String,
    },
    /// A source that cannot be reached at all, as a keyring that is locked; what to do differs from one to the next.
    #[error("{origin} cannot be reached: {why}")]
    KeyUnreachable {
        /// Which source.
        origin: String,
        /// What it said.
        why: String,
        /// What a person does about it.
        next: &'static str,
    },
    /// A passphrase is needed and there is nobody to ask.
    #[error("the passphrase of {} is needed, and there is no terminal to ask at", .0.display())]
    PassphraseMissing(PathBuf),
    /// The passphrase does not open what it should.
    #[error("the passphrase does not open {}", .0.display())]
    PassphraseWrong(PathBuf),
    /// Not taken as a new passphrase.
    #[error("the passphrase {0}")]
    BadPassphrase(&'static str),
    /// Not a recovery phrase.
    #[error("that is no recovery phrase: {0}")]
    BadPhrase(String),
    /// The source already holds another key, which may be another vault's.
    #[error("{0} holds another key already")]
    KeyTaken(String),
    /// There is no vault whose key could be judged or moved.
    #[error("there is no vault at {} yet", .0.display())]
    NoVault(PathBuf),
    /// The key opens another vault too, and what was asked would take it away from that one.
    #[error("the key from {origin} also opens {}, which would be left without it", .other.display())]
    KeyShared {
        /// Which source.
        origin: String,
        /// The other vault.
        other: PathBuf,
    },
    /// The vault is not what was last written: changed, emptied, deleted or rolled back.
    #[error("the vault was tampered with: {0}")]
    Tampered(String),
    /// A file of the ancestor's.
    #[error("{} has format version {version}; this program reads version 4", .path.display())]
    OldFormat {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u64,
    },
    /// A symlink, a file of another user, or one that others can read.
    #[error("{} is not private: {why}", .path.display())]
    NotPrivate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Somebody else held the vault's lock all the time that was waited.
    #[error("another process holds the vault's lock {}", .0.display())]
    Busy(PathBuf),
    /// Not `[A-Za-z0-9_.-]{1,128}`.
    #[error("a name is 1 to 128 characters of A-Z a-z 0-9 _ . -")]
    BadName,
    /// A value that the vault does not take. Says why, never what.
    #[error("the value {0}")]
    BadValue(&'static str),
    /// A value shorter than [`super::value::SHORT`] without leave.
    #[error(
        "the value has fewer than {} bytes, too few to be found in traffic without false alarms",
        super::value::SHORT
    )]
    ShortValue,
    /// Where a secret should go, and what is wrong with that.
    #[error("{0}")]
    BadGoes(String),
    /// The id of a run.
    #[error("the run's id {0}")]
    BadRun(&'static str),
    /// An entry of that name is there, and may not be overwritten.
    #[error("there is an entry {0} already")]
    Exists(String),
    /// No such entry.
    #[error("there is no entry {0}")]
    NoEntry(String),
    /// No such version of it, or not any more.
    #[error("there is no version {version} of {name}; kept are {kept}")]
    NoVersion {
        /// The entry.
        name: String,
        /// Which was asked for.
        version: u64,
        /// Which there are.
        kept: String,
    },
    /// The provider table is broken.
    #[error("the provider table: {0}")]
    Providers(String),
    /// The automaton over the values could not be built.
    #[error("the values could not be compiled: {0}")]
    Matcher(String),
    /// The operating system said no.
    #[error("{}: {why}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Its words.
        why: String,
    },
}

impl Error {
    /// The stable short name.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Locked { .. } => "vault_locked",
            Self::KeyWrong(_) => "vault_key_wrong",
            Self::KeyMissing(_) => "vault_key_missing",
            Self::KeyUnusable { .. } => "vault_key_unusable",
            Self::KeyUnreachable { .. } => "vault_key_unreachable",
            Self::PassphraseMissing(_) => "vault_passphrase_missing",
            Self::PassphraseWrong(_) => "vault_passphrase_wrong",
            Self::BadPassphrase(_) => "vault_bad_passphrase",
            Self::BadPhrase(_) => "vault_bad_phrase",
            Self::KeyTaken(_) => "vault_key_taken",
            Self::NoVault(_) => "vault_none",
            Self::KeyShared { .. } => "vault_key_shared",
            Self::Tampered(_) => "vault_tampered",
            Self::OldFormat { .. } => "vault_old_format",
            Self::NotPrivate { .. } => "vault_not_private",
            Self::Busy(_) => "vault_busy",
            Self::BadName => "vault_bad_name",
            Self::BadValue(_) => "vault_bad_value",
            Self::ShortValue => "vault_short_value",
            Self::BadGoes(_) => "vault_bad_goes",
            Self::BadRun(_) => "vault_bad_run",
            Self::Exists(_) => "vault_exists",
            Self::NoEntry(_) => "vault_no_entry",
            Self::NoVersion { .. } => "vault_no_version",
            Self::Providers(_) => "providers_invalid",
            Self::Matcher(_) => "vault_matcher",
            Self::Io { .. } => "vault_io",
        }
    }

    /// What a person does about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Locked { .. } => "find out why, then: katana vault unlock",
            Self::KeyWrong(_) => {
                "give back the key it was written with (vault.key_source, vault.key_file or KATANA_VAULT_KEY)"
            }
            Self::KeyMissing(_) => {
                "`katana vault key show` says what each source has; `katana vault key import` takes a recovery phrase"
            }
            Self::KeyUnusable { .. } => {
                "a key is the base64 of 32 bytes; make one with: openssl rand -base64 32"
            }
            Self::KeyUnreachable { next, .. } => next,
            Self::PassphraseMissing(_) => {
                "run it at a terminal, or set KATANA_VAULT_PASSPHRASE or vault.passphrase_file"
            }
            Self::PassphraseWrong(_) => {
                "type it again; if it is right, restore the file from the backup that was made with the vault"
            }
            Self::BadPassphrase(_) => "take six random words or more; nobody can recover it for you",
            Self::BadPhrase(_) => "compare it word by word with what `katana vault key export` printed",
            Self::KeyTaken(_) => "if no vault needs that one any more, take it away there and try again",
            Self::NoVault(_) => "`katana vault set KEY` makes one; vault.key_source says where its key goes",
            Self::KeyShared { .. } => {
                "give this vault a key of its own: katana vault rotate --to another source"
            }
            Self::Tampered(_) => {
                "restore vault.json and vault.anchor together from a backup you trust; see docs/vault.md"
            }
            Self::OldFormat { .. } => "`katana vault import hermes` takes its entries over",
            Self::NotPrivate { .. } => "make it a plain file of yours with mode 600 (chmod 600 FILE)",
            Self::Busy(_) => "try again when the other process is done",
            Self::BadName => "choose another name",
            Self::BadValue(_) => "check what you pasted or piped",
            Self::ShortValue => {
                "use a longer value, or --allow-short: it is then found only where it stands as a word of its own"
            }
            Self::BadGoes(_) => {
                "write hosts, slot, methods and paths as in `credentials` of the configuration"
            }
            Self::BadRun(_) => "give each run an id of its own",
            Self::Exists(_) => "say --overwrite, or choose another name",
            Self::NoEntry(_) => "see `katana vault list` for the names there are",
            Self::NoVersion { .. } => "see `katana vault history` for the versions there are",
            Self::Providers(_) | Self::Matcher(_) => "this is a fault of the program; please report it",
            Self::Io { .. } => "check the directory's permissions and free space",
        }
    }

    /// Is the vault itself in doubt, so that nothing in it may be trusted?
    #[must_use]
    pub fn is_tampering(&self) -> bool {
        matches!(self, Self::Tampered(_) | Self::NotPrivate { .. })
    }

    /// A source took a key and does not give it back.
    pub(super) fn not_kept(source: &super::key::Source) -> Self {
        Self::KeyUnusable { origin: source.to_string(), why: "it did not keep the new key".into() }
    }

    /// May a writer amid its work have made it look so?
    pub(super) fn is_in_doubt(&self) -> bool {
        matches!(self, Self::Tampered(_) | Self::KeyWrong(_))
    }

    /// An operating-system error at a file; what [`crate::base::atomic::read_private`] refuses is `NotPrivate`.
    pub(super) fn io(path: &Path, e: &io::Error) -> Self {
        let symlink = e.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
        let refused = e.kind() == io::ErrorKind::PermissionDenied && e.raw_os_error().is_none();
        if symlink {
            Self::NotPrivate { path: path.to_owned(), why: "a symlink, which is not followed".into() }
        } else if refused {
            Self::NotPrivate { path: path.to_owned(), why: e.to_string() }
        } else {
            Self::Io { path: path.to_owned(), why: e.to_string() }
        }
    }
}

impl From<YamlError> for Error {
    fn from(e: YamlError) -> Self {
        Self::Providers(e.to_string())
    }
}
