//! Signs a request: key derivation, string to sign, and what of the request changes with it.

use super::scope::{Place, Signed, parameter};
use super::{Request, UNSIGNED, canonical, sha256_hex};
use crate::base::secret::Secret;
use data_encoding::HEXLOWER;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The key of one scope: good for a day, a region and a service, and useless beyond.
pub struct Key(Zeroizing<Vec<u8>>);

/// What the signature says of the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Its SHA-256 in hex, or one of AWS's words: `UNSIGNED-PAYLOAD`, `STREAMING-…`.
    Stated(String),
    /// This is the body.
    Bytes(Vec<u8>),
}

/// Where a stream of signed chunks takes up from its head.
pub struct Seed {
    /// The key of the scope.
    pub key: Key,
    /// `YYYYMMDDTHHMMSSZ`.
    pub time: String,
    /// `YYYYMMDD/region/service/aws4_request`.
    pub scope: String,
    /// The head's signature, hex.
    pub signature: String,
}

/// Why a request cannot be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsignable {
    /// No `x-amz-date`, or one of another day than the scope.
    #[error("it has no date of the day it is signed for")]
    Date,
}

impl Key {
    /// Derives it.
    #[must_use]
    pub fn derive(secret: &Secret, signed: &Signed) -> Self {
        let start = Zeroizing::new([b"AWS4".as_slice(), secret.expose()].concat());
        let mut key = mac(&start, signed.scope.date.as_bytes());
        for part in [signed.scope.region.as_str(), signed.scope.service.as_str(), "aws4_request"] {
            key = mac(&key, part.as_bytes());
        }
        Self(key)
    }

    /// The signature of a text, hex.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        HEXLOWER.encode(&mac(&self.0, text.as_bytes()))
    }
}

fn mac(key: &[u8], text: &[u8]) -> Zeroizing<Vec<u8>> {
    // HMAC takes keys of any length
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Zeroizing::default() };
    mac.update(text);
    Zeroizing::new(mac.finalize().into_bytes().to_vec())
}

/// Signs; the request already says everything that is signed, who signs and with which session token included.
///
/// # Errors
/// [`Unsignable`].
pub fn sign(
    request: &Request<'_>,
    signed: &Signed,
    secret: &Secret,
    payload: &str,
) -> Result<Seed, Unsignable> {
    let time = time(request, signed).ok_or(Unsignable::Date)?;
    let covered = canonical::request(request, &signed.scope.service, &signed.headers, payload);
    let scope = signed.scope.without_key();
    let text = format!("{}\n{time}\n{scope}\n{}", super::scope::ALGORITHM, sha256_hex(covered.as_bytes()));
    let key = Key::derive(secret, signed);
    let signature = key.sign(&text);
    Ok(Seed { key, time, scope, signature })
}

/// The time the request is signed at, which must be of the scope's day.
fn time(request: &Request<'_>, signed: &Signed) -> Option<String> {
    let time = match signed.place {
        Place::Query => parameter(request.query, "X-Amz-Date")?,
        Place::Header => match request.header("x-amz-date") {
            Some(time) => time.to_owned(),
            None => from_http_date(request.header("date")?)?,
        },
    };
    let plain = time.len() == 16 && time.bytes().all(|b| b.is_ascii_digit() || b == b'T' || b == b'Z');
    (plain && time.starts_with(&signed.scope.date)).then_some(time)
}

/// `Fri, 24 May 2013 00:00:00 GMT` or what is already in the short form.
fn from_http_date(text: &str) -> Option<String> {
    if text.len() == 16 {
        return Some(text.to_owned());
    }
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut parts = text.strip_suffix(" GMT")?.split_once(", ")?.1.split(' ');
    let (day, month, year, clock) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let month = MONTHS.iter().position(|m| *m == month)? + 1;
    Some(format!("{year}{month:02}{day:0>2}T{}Z", clock.replace(':', "")))
}

impl Payload {
    /// As it stands in the canonical request.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Stated(text) => text.clone(),
            Self::Bytes(bytes) => sha256_hex(bytes),
        }
    }

    /// A body that the signature does not cover.
    #[must_use]
    pub fn unsigned() -> Self {
        Self::Stated(UNSIGNED.to_owned())
    }
}
