//! The interception authority as the program uses it: read with the vault at hand if its key is sealed, followed by a running
//! proxy, and watched for its end.

use super::service::Error;
use crate::base::clock::Timestamp;
use crate::base::paths::Paths;
use crate::base::secret::Secret;
use crate::certs::keeper::{Keeper, Refused};
use crate::certs::{self, Authority};
use crate::config::Config;
use crate::vault::{self, Vault};
use serde_json::{Value, json};

/// Fewer days than this are said wherever the authority is mentioned.
pub const FEW_DAYS: u64 = 30;

/// Seals the authority's key by the vault, as `ca.key_protection` says; opens what is sealed whatever it says.
#[derive(Debug)]
pub struct ByVault {
    place: vault::Place,
    seals: bool,
}

impl ByVault {
    /// With the vault of these paths, opened only when a key is to be sealed or opened.
    #[must_use]
    pub fn new(config: &Config, paths: &Paths) -> Self {
        Self { place: vault::place(paths, &config.vault), seals: config.ca.sealed }
    }
}

impl Keeper for ByVault {
    fn seals(&self) -> bool {
        self.seals
    }

    fn seal(&self, key: &Secret, fingerprint: &str) -> Result<String, Refused> {
        Vault::open(&self.place).and_then(|v| v.seal_ca_key(key, fingerprint)).map_err(refused)
    }

    fn open(&self, file: &str, fingerprint: &str) -> Result<Secret, Refused> {
        Vault::open(&self.place).and_then(|v| v.open_ca_key(file, fingerprint)).map_err(refused)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "stands where errors are mapped")]
fn refused(e: vault::Error) -> Refused {
    Refused { code: e.code(), why: format!("the vault does not open it: {e}"), remedy: e.remedy().into() }
}

/// The authority; made when there is none. A key in clear where the configuration wants it sealed is refused.
///
/// # Errors
/// What is wrong with it.
pub fn authority(config: &Config, paths: &Paths) -> Result<Authority, Error> {
    let found = Authority::load_or_make_with(&paths.ca(), &ByVault::new(config, paths));
    found
        .and_then(|ca| match config.ca.sealed && !ca.is_sealed() {
            true => Err(certs::Error::Unsealed { path: ca.path().with_extension("key") }),
            false => Ok(ca),
        })
        .map_err(unusable)
}

/// The certificates' errors as the program's.
#[expect(clippy::needless_pass_by_value, reason = "stands where errors are mapped")]
pub fn unusable(e: certs::Error) -> Error {
    let what = match e {
        certs::Error::UnderWay { .. } | certs::Error::NoRotation => "nothing was changed",
        certs::Error::Absent { .. } => "there is no interception authority",
        _ => "the interception authority cannot be used",
    };
    let made = Error::new(e.code(), what, &e, e.remedy());
    let unsafe_ = matches!(
        e,
        certs::Error::Exposed { .. } | certs::Error::Mismatched { .. } | certs::Error::Unsealed { .. }
    );
    if unsafe_ { made.refused() } else { made }
}

/// What `status` and `ca show` say of it.
#[must_use]
pub fn described(ca: &Authority) -> Value {
    let next = ca.next().map(|n| {
        json!({
            "fingerprint": n.certificate.fingerprint(), "subject": n.certificate.subject(),
            "not_after": n.certificate.not_after().to_string(), "activates": n.activates.to_string(),
        })
    });
    json!({
        "fingerprint": ca.fingerprint(), "subject": ca.subject(), "days_left": ca.days_left(),
        "not_after": ca.not_after().to_string(), "path": ca.path(), "key_sealed": ca.is_sealed(), "next": next,
    })
}

/// What is to be said of an authority whose end is near or past, in one line; `None`: nothing.
#[must_use]
pub fn warning(days_left: u64, rotating: bool) -> Option<String> {
    let remedy = "`katana ca rotate` makes the next one";
    match days_left {
        _ if rotating => None,
        0 => Some(format!("the authority is over, or is within a day: no certificate can be made; {remedy}")),
        1..FEW_DAYS => Some(format!("the authority ends in {days_left} days; {remedy}")),
        _ => None,
    }
}

/// Says it in the log, once a day and at once when it changes.
#[derive(Debug, Default)]
pub(super) struct Reminder {
    said: Option<(u64, i64)>,
}

impl Reminder {
    pub(super) fn look(&mut self, ca: &Authority, now: Timestamp) {
        let (left, day) = (ca.days_left(), now.0.div_euclid(86_400_000));
        let Some(what) = warning(left, ca.next().is_some()) else { return };
        if self.said == Some((left, day)) {
            return;
        }
        self.said = Some((left, day));
        if left == 0 {
            tracing::error!(fingerprint = ca.fingerprint(), what);
        } else {
            tracing::warn!(fingerprint = ca.fingerprint(), what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_said_in_time_and_not_while_a_next_one_waits() {
        assert_eq!(warning(30, false), None);
        assert!(warning(29, false).unwrap().contains("29 days"));
        assert!(warning(0, false).unwrap().contains("katana ca rotate"));
        assert_eq!(warning(0, true), None);
    }
}
