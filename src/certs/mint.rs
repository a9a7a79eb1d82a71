//! Signs one leaf for one host. Its key is never the authority's.

use super::profile::LeafProfile;
use super::{Authority, Error};
use crate::base::clock::Timestamp;
use crate::base::host::Host;
use crate::base::id;
use rcgen::{CertificateParams, DnType, IsCa, KeyPair, SanType, SerialNumber};
use rustls::pki_types::CertificateDer;
use std::io;
use std::time::Duration;

/// Longest common name X.509 has room for.
const MOST_COMMON_NAME: usize = 64;

/// A signed leaf, and from when to when it is good to show.
pub(super) struct Leaf {
    pub(super) der: CertificateDer<'static>,
    pub(super) from: Timestamp,
    /// Sign anew from here on.
    pub(super) renew: Timestamp,
}

/// Signs a leaf for `host` with the public half of `key`. It never outlives the authority.
pub(super) fn leaf(
    authority: &Authority,
    profile: &LeafProfile,
    key: &KeyPair,
    host: &Host,
    now: Timestamp,
) -> Result<Leaf, Error> {
    let failed = |why: String| Error::NotSigned { host: host.to_string(), why };
    let from = (now.0 - hours(profile.validity.backdate_hours)).max(authority.not_before().0);
    let to = (now.0 + hours(profile.validity.days * 24)).min(authority.not_after().0);
    if to <= now.0 {
        return Err(failed(format!("the authority ended {}", authority.not_after())));
    }
    let mut params = CertificateParams::default();
    valid(&mut params, from, to);
    params.serial_number = Some(serial().map_err(|e| failed(e.to_string()))?);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, profile.subject.organization.as_str());
    let (san, name) = match host {
        Host::Name(name) => {
            let text = name.to_string().try_into().map_err(|e: rcgen::Error| failed(e.to_string()))?;
            (SanType::DnsName(text), name.to_string())
        }
        Host::Addr(addr) => (SanType::IpAddress(*addr), addr.to_string()),
    };
    params.subject_alt_names = vec![san];
    if name.len() <= MOST_COMMON_NAME {
        params.distinguished_name.push(DnType::CommonName, name);
    }
    params.is_ca = IsCa::ExplicitNoCa; // writes the subject key identifier too
    params.key_usages = profile.key_usages();
    params.extended_key_usages = profile.extended_key_usages();
    params.use_authority_key_identifier_extension = true;
    let cert = params.signed_by(key, &authority.issuer).map_err(|e| failed(e.to_string()))?;
    let renew = (to - hours(profile.validity.renew_hours)).max(now.0 + (to - now.0) / 2);
    Ok(Leaf { der: cert.into(), from: Timestamp(from), renew: Timestamp(renew) })
}

fn hours(n: u32) -> i64 {
    i64::from(n) * 3_600_000
}

/// 128 random bits, positive and without leading zero byte.
pub(super) fn serial() -> io::Result<SerialNumber> {
    let mut bytes = id::random::<16>()?;
    bytes[0] = bytes[0] & 0x7f | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}

/// Sets the validity; both in milliseconds since 1970, of which a certificate keeps whole seconds.
pub(super) fn valid(params: &mut CertificateParams, from: i64, to: i64) {
    let date = |ms: i64| {
        rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(u64::try_from(ms / 1000).unwrap_or(0))
    };
    params.not_before = date(from);
    params.not_after = date(to);
}
