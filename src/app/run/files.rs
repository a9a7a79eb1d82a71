//! The files a child is pointed to, in a directory of this run's own that is gone when the run is over.

use super::environment::Files;
use super::truststore;
use crate::app::service::Issue;
use crate::base::id;
use std::env;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Embedded, so that the one binary is all there is.
const PRELOAD: &str = include_str!("../../../config/node-preload.cjs");
const STARTUP: &str = include_str!("../../../config/python-startup.py");

/// The directory; removed with all that is in it when dropped.
#[derive(Debug)]
pub struct Materials {
    dir: PathBuf,
    /// What is in it.
    pub files: Files,
}

impl Materials {
    /// Writes everything for a proxy at `url` below `parent`. `wgetrc`: the person's own one, whose settings come first.
    ///
    /// # Errors
    /// The operating system's; nothing is left then.
    pub fn write(parent: &Path, issue: &Issue, url: &str, wgetrc: Option<&Path>) -> io::Result<Self> {
        let tag = u64::from_ne_bytes(id::random()?);
        let dir = std::path::absolute(parent)?.join(format!("katana-run-{tag:016x}"));
        DirBuilder::new().mode(0o700).create(&dir)?; // fails if anything is there
        let made = Self {
            files: Files {
                ca: dir.join("ca.pem"),
                bundle: dir.join("bundle.pem"),
                wgetrc: dir.join("wgetrc"),
                preload: dir.join("node-preload.cjs"),
                python: dir.join("python"),
                truststore: dir.join("roots.jks"),
            },
            dir,
        };
        let files = &made.files;
        let put = |path: &Path, bytes: &[u8]| {
            fs::write(path, bytes)?;
            fs::set_permissions(path, fs::Permissions::from_mode(0o644))
        };
        put(&files.ca, issue.ca_pem.as_bytes())?;
        put(&files.bundle, issue.bundle_pem.as_bytes())?;
        put(&files.preload, PRELOAD.as_bytes())?;
        DirBuilder::new().mode(0o700).create(&files.python)?;
        put(&files.python.join("sitecustomize.py"), STARTUP.as_bytes())?;
        put(&files.truststore, &truststore::jks(&issue.bundle_pem))?;
        put(&files.wgetrc, &wget(wgetrc, &files.bundle, url))?;
        // the person's own wgetrc may hold passwords
        fs::set_permissions(&files.wgetrc, fs::Permissions::from_mode(0o600))?;
        Ok(made)
    }
}

impl Drop for Materials {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// The wgetrc in force without us.
#[must_use]
pub fn wgetrc_of_person() -> Option<PathBuf> {
    let named = env::var_os("WGETRC").filter(|v| !v.is_empty()).map(PathBuf::from);
    named.or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".wgetrc")))
}

/// The last of two equal settings counts.
fn wget(own: Option<&Path>, bundle: &Path, url: &str) -> Vec<u8> {
    let mut text = own.and_then(|path| fs::read(path).ok()).unwrap_or_default();
    let ours = format!(
        "\nca_certificate = {}\ncheck_certificate = on\nuse_proxy = on\nhttp_proxy = {url}\nhttps_proxy = {url}\n\
         ftp_proxy = {url}\nno_proxy =\n",
        bundle.display()
    );
    text.extend_from_slice(ours.as_bytes());
    text
}

/// Where the directory of a run is made.
#[must_use]
pub fn parent() -> PathBuf {
    env::var_os("TMPDIR").filter(|t| !t.is_empty()).map_or_else(|| PathBuf::from("/tmp"), PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_private_whole_and_gone_in_the_end() {
        let parent = tempfile::tempdir().unwrap();
        let own = parent.path().join("own");
        fs::write(&own, "tries = 3\nca_certificate = /other.pem").unwrap();
        let issue = Issue {
            ca_pem: "CA".into(),
            bundle_pem: "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n".into(),
            ..Issue::default()
        };
        let made = Materials::write(parent.path(), &issue, "http://127.0.0.1:9", Some(&own)).unwrap();
        let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            (mode(&made.dir), mode(&made.files.bundle), mode(&made.files.wgetrc)),
            (0o700, 0o644, 0o600)
        );
        assert_eq!(fs::read_to_string(&made.files.ca).unwrap(), "CA");
        assert!(fs::read(&made.files.truststore).unwrap().starts_with(&[0xfe, 0xed]));
        let rc = fs::read_to_string(&made.files.wgetrc).unwrap();
        assert!(rc.starts_with("tries = 3\nca_certificate = /other.pem\nca_certificate = "), "{rc}");
        assert!(rc.contains("\nhttps_proxy = http://127.0.0.1:9\n"));
        let dir = made.dir.clone();
        drop(made);
        assert!(!dir.exists());
        assert!(Materials::write(&parent.path().join("none"), &issue, "", None).is_err());
    }
}
