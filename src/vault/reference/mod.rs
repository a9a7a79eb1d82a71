//! References: entries that say where a value is to be got instead of holding it. Text → [`Reference`], and what each
//! backend answers. What is kept of the answers, and for how long, is [`Resolver`]'s.

mod address;
mod fault;
mod hashicorp;
mod local;
mod onepassword;
mod program;
mod resolver;

pub use address::Address;
pub use fault::Fault;
pub use resolver::{Resolver, Settings};

use super::held::Barred;
use super::key::VARIABLES;
use crate::base::secret::Secret;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Where a value is to be got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// `exec:CMD`: what a program prints.
    Exec(Vec<String>),
    /// `file:PATH`: what a private file holds.
    File(PathBuf),
    /// `env:NAME`: a variable of katana's own environment.
    Environment(String),
    /// `op://vault/item/[section/]field`: 1Password, by its CLI.
    OnePassword(String),
    /// `vault://mount/path#field`: HashiCorp Vault, KV version 2.
    HashiCorp(Address),
    /// `systemd:NAME`: a credential of this service.
    Systemd(String),
}

/// How an entry by reference is barred as long as nobody has asked.
pub(super) const BARRED: Barred = Barred::Unresolved("reference");

impl Reference {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it, to follow "the value". The text is not in it: somebody may have pasted a secret.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const NONE: &str =
            "is no reference: env:NAME, file:PATH, exec:CMD, systemd:NAME, op://… or vault://… is";
        let (backend, rest) = text.split_once(':').ok_or(NONE)?;
        if text.chars().any(char::is_control) && backend != "exec" {
            return Err("is no reference: it has a control character in it");
        }
        match backend {
            "exec" => exec(rest),
            "file" => file(rest),
            "env" => variable(rest),
            "op" => onepassword::check(text).map(|()| Self::OnePassword(text.to_owned())),
            "vault" => Address::parse(rest).map(Self::HashiCorp),
            "systemd" => credential(rest),
            _ => Err(NONE),
        }
    }

    /// The backend's name, as it stands before the colon.
    #[must_use]
    pub fn backend(&self) -> &'static str {
        match self {
            Self::Exec(_) => "exec",
            Self::File(_) => "file",
            Self::Environment(_) => "env",
            Self::OnePassword(_) => "op",
            Self::HashiCorp(_) => "vault",
            Self::Systemd(_) => "systemd",
        }
    }

    /// Asks the backend. Blocks, at most for about `patience`.
    fn fetch(&self, world: &World, patience: Duration) -> Result<Secret, Fault> {
        let value = match self {
            Self::Exec(argv) => program::run(argv, &world.environment(&[]), patience),
            Self::File(path) => local::file(path),
            Self::Environment(name) => local::variable(world, name),
            Self::Systemd(name) => local::credential(world, name),
            Self::OnePassword(reference) => onepassword::read(reference, world, patience),
            Self::HashiCorp(address) => hashicorp::read(address, world, patience),
        }?;
        if value.is_empty() { Err(Fault::Value("is empty")) } else { Ok(value) }
    }
}

fn exec(command: &str) -> Result<Reference, &'static str> {
    let argv = shlex::split(command).ok_or("is no command: a quote in it is not closed")?;
    match argv.first() {
        None => Err("is no command: there is nothing behind exec:"),
        Some(program) if program.is_empty() || (program.contains('/') && !program.starts_with('/')) => {
            Err("is no command: name a program on PATH, or by its absolute path")
        }
        Some(_) if argv.iter().any(|a| a.contains('\0')) => Err("is no command: it has a NUL in it"),
        Some(_) => Ok(Reference::Exec(argv)),
    }
}

fn file(path: &str) -> Result<Reference, &'static str> {
    let path = PathBuf::from(path);
    if path.is_absolute() { Ok(Reference::File(path)) } else { Err("is no path: it must begin with /") }
}

fn variable(name: &str) -> Result<Reference, &'static str> {
    let good = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if VARIABLES.contains(&name) {
        return Err("names the variable with the vault's own key, which is nobody else's");
    }
    if name.is_empty() || name.as_bytes()[0].is_ascii_digit() || !name.bytes().all(good) {
        return Err("names no variable: letters, digits and _ make one");
    }
    Ok(Reference::Environment(name.to_owned()))
}

fn credential(name: &str) -> Result<Reference, &'static str> {
    if name.is_empty() || name.contains('/') || matches!(name, "." | "..") || name == super::key::CREDENTIAL {
        return Err("names no credential of a systemd unit, or the one with the vault's own key");
    }
    Ok(Reference::Systemd(name.to_owned()))
}

/// What the backends see of the machine. The seam for tests.
pub struct World {
    variable: Box<Lookup>,
}

type Lookup = dyn Fn(&str) -> Option<OsString> + Send + Sync;

/// What a program started for a value sees of katana's environment: enough to find itself and its user's agent, and nothing
/// that could be a secret by itself.
const PASSED_ON: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "DBUS_SESSION_BUS_ADDRESS",
    "GNUPGHOME",
    "PASSWORD_STORE_DIR",
];

impl World {
    /// This process.
    #[must_use]
    pub fn of_process() -> Self {
        Self::of(|name| std::env::var_os(name))
    }

    /// Any lookup, for tests.
    pub fn of(variable: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static) -> Self {
        Self { variable: Box::new(variable) }
    }

    /// A variable that is set and not empty.
    fn variable(&self, name: &str) -> Option<OsString> {
        (self.variable)(name).filter(|v| !v.is_empty())
    }

    /// The same as text.
    fn text(&self, name: &str) -> Option<String> {
        self.variable(name)?.into_string().ok()
    }

    /// What a program gets, with these variables too.
    fn environment(&self, more: &[&str]) -> Vec<(OsString, OsString)> {
        let names = PASSED_ON.iter().chain(more);
        names.filter_map(|n| Some((OsString::from(n), self.variable(n)?))).collect()
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("World")
    }
}

#[cfg(test)]
mod tests;
