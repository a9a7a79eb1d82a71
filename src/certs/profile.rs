//! The embedded profiles: what is put into the authority and into leaves, read from `certs-template/`.

use super::Error;
use crate::config::yaml;
use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose};
use serde::Deserialize;

/// No client takes a longer one.
const MOST_LEAF_DAYS: u32 = 397;

/// `certs-template/ca.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaProfile {
    pub(super) subject: CaSubject,
    pub(super) validity: CaValidity,
    pub(super) path_length: u8,
    key_usages: Vec<KeyUsage>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaSubject {
    /// With `{host}` and `{id}`.
    pub(super) common_name: String,
    pub(super) organization: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaValidity {
    pub(super) backdate_hours: u32,
    pub(super) days: u32,
}

/// `certs-template/leaf.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LeafProfile {
    pub(super) subject: LeafSubject,
    pub(super) validity: LeafValidity,
    key_usages: Vec<KeyUsage>,
    extended_key_usages: Vec<ExtendedKeyUsage>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LeafSubject {
    pub(super) organization: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LeafValidity {
    pub(super) backdate_hours: u32,
    pub(super) days: u32,
    pub(super) renew_hours: u32,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KeyUsage {
    DigitalSignature,
    KeyCertSign,
    CrlSign,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ExtendedKeyUsage {
    ServerAuth,
}

impl CaProfile {
    /// The embedded one.
    pub(super) fn embedded() -> Result<Self, Error> {
        Self::read(include_str!("../../certs-template/ca.yaml"))
    }

    fn read(text: &str) -> Result<Self, Error> {
        let profile: Self = yaml::parse(text, "ca.yaml").map_err(|e| Error::Profile(e.to_string()))?;
        if profile.validity.days == 0 {
            return Err(Error::Profile("ca.yaml: validity.days is 0".into()));
        }
        Ok(profile)
    }

    pub(super) fn key_usages(&self) -> Vec<KeyUsagePurpose> {
        self.key_usages.iter().map(|u| u.purpose()).collect()
    }
}

impl LeafProfile {
    /// The embedded one.
    pub(super) fn embedded() -> Result<Self, Error> {
        Self::read(include_str!("../../certs-template/leaf.yaml"))
    }

    fn read(text: &str) -> Result<Self, Error> {
        let profile: Self = yaml::parse(text, "leaf.yaml").map_err(|e| Error::Profile(e.to_string()))?;
        let v = &profile.validity;
        if v.days == 0 || v.backdate_hours.div_ceil(24) + v.days > MOST_LEAF_DAYS {
            return Err(Error::Profile(format!(
                "leaf.yaml: validity is not from 1 to {MOST_LEAF_DAYS} days"
            )));
        }
        if v.renew_hours >= v.days * 24 {
            return Err(Error::Profile("leaf.yaml: renew_hours is not less than the validity".into()));
        }
        Ok(profile)
    }

    pub(super) fn key_usages(&self) -> Vec<KeyUsagePurpose> {
        self.key_usages.iter().map(|u| u.purpose()).collect()
    }

    pub(super) fn extended_key_usages(&self) -> Vec<ExtendedKeyUsagePurpose> {
        let purpose = |u: &ExtendedKeyUsage| match u {
            ExtendedKeyUsage::ServerAuth => ExtendedKeyUsagePurpose::ServerAuth,
        };
        self.extended_key_usages.iter().map(purpose).collect()
    }
}

impl KeyUsage {
    fn purpose(self) -> KeyUsagePurpose {
        match self {
            Self::DigitalSignature => KeyUsagePurpose::DigitalSignature,
            Self::KeyCertSign => KeyUsagePurpose::KeyCertSign,
            Self::CrlSign => KeyUsagePurpose::CrlSign,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_profiles_are_sound() {
        let ca = CaProfile::embedded().unwrap();
        assert_eq!(ca.key_usages(), [KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign]);
        assert_eq!(ca.path_length, 0);
        let leaf = LeafProfile::embedded().unwrap();
        assert_eq!(leaf.extended_key_usages(), [ExtendedKeyUsagePurpose::ServerAuth]);
    }

    #[test]
    fn a_leaf_no_client_would_take_is_refused() {
        let text = include_str!("../../certs-template/leaf.yaml");
        assert!(
            LeafProfile::read(&text.replace("days: 7", "days: 397")).is_err(),
            "the backdated day counts"
        );
        assert!(LeafProfile::read(&text.replace("days: 7", "days: 1")).is_err(), "renewed at once, always");
        assert!(LeafProfile::read(&format!("{text}\nextra: 1\n")).is_err());
    }
}
