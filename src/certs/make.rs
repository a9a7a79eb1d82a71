//! Makes an authority: once, whole or not at all, whoever else tries at the same time.

use super::keeper::Keeper;
use super::layout::{ACTIVATES, CERT, KEY, Layout};
use super::profile::CaProfile;
use super::{Certificate, Error, mint};
use crate::base::clock::Timestamp;
use crate::base::secret::Secret;
use crate::base::{atomic, id};
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, KeyPair};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Makes key and certificate in `dir`, unless another process just did.
pub(super) fn authority(dir: &Path, keeper: &dyn Keeper, now: Timestamp) -> Result<(), Error> {
    let io = |e: io::Error| Error::NotMade { path: dir.to_owned(), why: e.to_string() };
    let layout = Layout::new(dir);
    let parent = dir.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    atomic::private_dir(parent).map_err(io)?;
    let _lock = layout.lock().map_err(io)?;
    if layout.exists() {
        return Ok(());
    }
    // both files stand in a directory of their own, which appears under its name in one step
    let tag = u64::from_ne_bytes(id::random().map_err(io)?);
    let staged = dir.with_extension(format!("{tag:016x}.tmp"));
    let done = files(&staged, dir, keeper, now, None)
        .and_then(|_| put(&staged, &layout).and_then(|()| fs::File::open(parent)?.sync_all()).map_err(io));
    if done.is_err() {
        let _ = fs::remove_dir_all(&staged);
    }
    done
}

/// A new authority's files in `staged`, and its certificate. `dir`: what an error names.
pub(super) fn files(
    staged: &Path,
    dir: &Path,
    keeper: &dyn Keeper,
    now: Timestamp,
    activates: Option<Timestamp>,
) -> Result<Certificate, Error> {
    let failed = |why: String| Error::NotMade { path: dir.to_owned(), why };
    let io = |e: io::Error| failed(e.to_string());
    let (key, cert) = generate(now).map_err(failed)?;
    atomic::private_dir(staged).map_err(io)?;
    fs::set_permissions(staged, Permissions::from_mode(0o700)).map_err(io)?;
    let path = staged.join(CERT);
    atomic::write(&path, cert.as_bytes(), 0o644).map_err(io)?;
    let certificate = Certificate::read(&path)?;
    let key = written(dir, &key, &certificate, keeper)?;
    atomic::write(&staged.join(KEY), key.expose(), 0o600).map_err(io)?;
    if let Some(at) = activates {
        atomic::write(&staged.join(ACTIVATES), format!("{at}\n").as_bytes(), 0o600).map_err(io)?;
    }
    Ok(certificate)
}

/// The key file's text as this keeper wants it.
pub(super) fn written(
    dir: &Path,
    key: &Secret,
    of: &Certificate,
    keeper: &dyn Keeper,
) -> Result<Secret, Error> {
    if !keeper.seals() {
        return Ok(key.clone());
    }
    let refused = |r: super::keeper::Refused| Error::Refused { path: dir.to_owned(), refused: r };
    keeper.seal(key, &of.fingerprint()).map(Secret::from).map_err(refused)
}

/// Renames the staged directory into place. One that is there already, with other files in it, keeps them and gets ours.
fn put(staged: &Path, layout: &Layout) -> io::Result<()> {
    match fs::rename(staged, &layout.dir) {
        Err(e) if e.kind() == io::ErrorKind::DirectoryNotEmpty => {
            fs::set_permissions(&layout.dir, Permissions::from_mode(0o700))?;
            fs::rename(staged, layout.switch())?;
            layout.finish()
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
