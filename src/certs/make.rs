//! Makes an authority: once, whole or not at all, whoever else tries at the same time.

use super::authority::{CERT, KEY, present};
use super::profile::CaProfile;
use super::{Error, mint};
use crate::base::clock::Timestamp;
use crate::base::lock::FileLock;
use crate::base::secret::Secret;
use crate::base::{atomic, id};
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, KeyPair};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

/// Long enough for another process to make one on a slow machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes key and certificate in `dir`, unless another process just did.
pub(super) fn authority(dir: &Path, now: Timestamp) -> Result<(), Error> {
    let failed = |why: String| Error::NotMade { path: dir.to_owned(), why };
    let io = |e: io::Error| failed(e.to_string());
    let parent = dir.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    atomic::private_dir(parent).map_err(io)?;
    let _lock = FileLock::take(&dir.with_extension("lock"), PATIENCE).map_err(io)?;
    if present(&dir.join(KEY)) || present(&dir.join(CERT)) {
        return Ok(());
    }
    let (key, cert) = generate(now).map_err(failed)?;
    // both files stand in a directory of their own, which appears under its name in one step
    let tag = u64::from_ne_bytes(id::random().map_err(io)?);
    let staged = dir.with_extension(format!("{tag:016x}.tmp"));
    let done = (|| {
        atomic::private_dir(&staged)?;
        fs::set_permissions(&staged, Permissions::from_mode(0o700))?;
        atomic::write(&staged.join(KEY), key.expose(), 0o600)?;
        atomic::write(&staged.join(CERT), cert.as_bytes(), 0o644)?;
        put(&staged, dir)?;
        fs::File::open(parent)?.sync_all()
    })();
    if done.is_err() {
        let _ = fs::remove_dir_all(&staged);
    }
    done.map_err(io)
}

/// Renames the staged directory into place. One that is there already, with other files in it, keeps them and gets ours.
fn put(staged: &Path, dir: &Path) -> io::Result<()> {
    match fs::rename(staged, dir) {
        Err(e) if e.kind() == io::ErrorKind::DirectoryNotEmpty => {
            fs::set_permissions(dir, Permissions::from_mode(0o700))?;
            fs::rename(staged.join(KEY), dir.join(KEY))?;
            fs::rename(staged.join(CERT), dir.join(CERT))?;
            fs::remove_dir(staged)
        }
        done => done,
    }
}

/// A new key (PKCS#8, PEM) and its certificate (PEM).
fn generate(now: Timestamp) -> Result<(Secret, String), String> {
    let profile = CaProfile::embedded().map_err(|e| e.to_string())?;
    let text = |e: rcgen::Error| e.to_string();
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(text)?;
    let short = data_encoding::HEXLOWER.encode(&id::random::<4>().map_err(|e| e.to_string())?);
    let mut subject = DistinguishedName::new();
    let name = profile.subject.common_name.replace("{host}", &machine()).replace("{id}", &short);
    subject.push(DnType::OrganizationName, profile.subject.organization.as_str());
    subject.push(DnType::CommonName, name);
    let mut params = CertificateParams::default();
    params.distinguished_name = subject;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(profile.path_length));
    params.key_usages = profile.key_usages();
    params.serial_number = Some(mint::serial().map_err(|e| e.to_string())?);
    let begin = now.0 - i64::from(profile.validity.backdate_hours) * 3_600_000;
    mint::valid(&mut params, begin, now.0 + i64::from(profile.validity.days) * 86_400_000);
    let cert = params.self_signed(&key).map_err(text)?;
    Ok((Secret::from(key.serialize_pem()), cert.pem()))
}

/// This machine's name, as much of it as a common name has room for.
fn machine() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let short: String = name
        .split('.')
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .take(40)
        .collect();
    if short.is_empty() { "localhost".into() } else { short }
}
