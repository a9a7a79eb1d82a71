//! Values from this machine: a private file, a variable of katana's environment, a credential of its systemd unit.

use super::program::trimmed;
use super::{Fault, World};
use crate::base::secret::Secret;
use crate::vault::value::LONGEST;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Only its owner, this user or root, may read or write it. Links are followed first: what they lead to is judged.
pub(super) fn file(path: &Path) -> Result<Secret, Fault> {
    let real = path.canonicalize().map_err(|e| fault(path, &e))?;
    read(path, &real, 0o077)
}

/// systemd may give the service its right to read by an access list, which shows as rights of the group.
pub(super) fn credential(world: &World, name: &str) -> Result<Secret, Fault> {
    let directory = world.variable("CREDENTIALS_DIRECTORY");
    let directory =
        directory.ok_or_else(|| Fault::Unset("CREDENTIALS_DIRECTORY is not set: no systemd unit".into()))?;
    let path = PathBuf::from(directory).join(name);
    read(&path, &path, 0o027)
}

pub(super) fn variable(world: &World, name: &str) -> Result<Secret, Fault> {
    let value =
        world.variable(name).ok_or_else(|| Fault::Unset(format!("the variable {name} is not set")))?;
    Ok(Secret::new(value.into_vec()))
}

fn read(said: &Path, path: &Path, closed: u32) -> Result<Secret, Fault> {
    // a pipe that nobody writes to must not hold us up
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(|e| fault(said, &e))?;
    let meta = file.metadata().map_err(|e| fault(said, &e))?;
    let ours = meta.uid() == rustix::process::geteuid().as_raw() || meta.uid() == 0;
    if !meta.is_file() || !ours || meta.mode() & closed != 0 {
        let (mode, uid) = (meta.mode() & 0o7777, meta.uid());
        return Err(Fault::Denied(format!(
            "{} (mode {mode:04o}, uid {uid}) is no private file",
            said.display()
        )));
    }
    let most = u64::try_from(LONGEST + 3).unwrap_or(u64::MAX);
    let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(256));
    file.take(most).read_to_end(&mut bytes).map_err(|e| fault(said, &e))?;
    trimmed(std::mem::take(&mut *bytes))
}

fn fault(path: &Path, e: &io::Error) -> Fault {
    match e.kind() {
        io::ErrorKind::NotFound => Fault::Missing(path.display().to_string()),
        _ => Fault::Denied(format!("{}: {e}", path.display())),
    }
}
