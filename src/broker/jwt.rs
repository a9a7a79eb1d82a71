//! Signed assertions: RS256 and nothing else. Reads RSA private keys as issuers give them, writes JSON web tokens, and
//! reads the claims of an agent's own, which nobody believes.

use super::error::Error;
use crate::base::secret::Secret;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// An RSA private key.
pub struct SigningKey(RsaKeyPair);

impl SigningKey {
    /// PEM (PKCS#8 or PKCS#1; line ends may be written `\n`), or the same as bare base64. `entry` is named in the error.
    ///
    /// # Errors
    /// [`Error::Unusable`].
    pub fn read(entry: &str, text: &[u8]) -> Result<Self, Error> {
        let wrong = |what| Error::Unusable { entry: entry.to_owned(), what };
        let der = der(text).ok_or(wrong("holds no private key in PEM"))?;
        let key = RsaKeyPair::from_pkcs8(&der).or_else(|_| RsaKeyPair::from_der(&der));
        key.map(Self).map_err(|_| wrong("holds no RSA private key of 2048 bits or more"))
    }

    /// `claims` as a signed token; `key_id` goes into its head.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn sign(&self, claims: &Value, key_id: Option<&str>) -> Result<Secret, Error> {
        let mut head = json!({ "alg": "RS256", "typ": "JWT" });
        if let Some(id) = key_id {
            head["kid"] = id.into();
        }
        let part = |v: &Value| BASE64URL_NOPAD.encode(v.to_string().as_bytes());
        let mut text = format!("{}.{}", part(&head), part(claims));
        let mut signature = vec![0; self.0.public_modulus_len()];
        let signed = self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature);
        signed.map_err(|_| Error::Interrupted)?;
        text.push('.');
        BASE64URL_NOPAD.encode_append(&signature, &mut text);
        Ok(Secret::from(text))
    }
}

/// The bytes inside the armour.
fn der(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = Zeroizing::new(std::str::from_utf8(text).ok()?.trim().replace("\\n", "\n"));
    let body = match text.strip_prefix("-----BEGIN ") {
        Some(rest) => {
            let (label, rest) = rest.split_once("-----")?;
            if !matches!(label, "PRIVATE KEY" | "RSA PRIVATE KEY") {
                return None;
            }
            rest.split_once("-----END ")?.0
        }
        None => text.as_str(),
    };
    let packed = Zeroizing::new(body.bytes().filter(|b| !b.is_ascii_whitespace()).collect::<Vec<u8>>());
    let bytes = Zeroizing::new(BASE64.decode(&packed).ok()?);
    // a PEM file kept as one line of base64
    if bytes.starts_with(b"-----BEGIN ") && !text.starts_with("-----") { der(&bytes) } else { Some(bytes) }
}

/// A claim of a token that somebody else wrote; its signature is not looked at.
#[must_use]
pub fn claim(token: &str, name: &str) -> Option<String> {
    let mut parts = token.split('.');
    let (_, claims) = (parts.next()?, parts.next()?);
    let claims: Value = serde_json::from_slice(&BASE64URL_NOPAD.decode(claims.as_bytes()).ok()?).ok()?;
    Some(claims.get(name)?.as_str()?.to_owned())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use aws_lc_rs::encoding::AsDer;
    use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    /// A key of this run's own, as PKCS#8 in base64.
    pub(in crate::broker) fn key() -> (&'static RsaKeyPair, String) {
        static KEY: std::sync::OnceLock<RsaKeyPair> = std::sync::OnceLock::new();
        let key = KEY.get_or_init(|| RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap());
        let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = key.as_der().unwrap();
        (key, BASE64.encode(der.as_ref()))
    }

    #[test]
    fn keys_are_read_in_every_dress_and_sign_alike() {
        let (pair, base64) = key();
        let lines: Vec<&str> =
            base64.as_bytes().chunks(64).map(|c| std::str::from_utf8(c).unwrap()).collect();
        let pem = |sep: &str| {
            format!("-----BEGIN PRIVATE KEY-----{sep}{}{sep}-----END PRIVATE KEY-----{sep}", lines.join(sep))
        };
        // PKCS#1 is what PKCS#8 wraps: 26 bytes of head for a key of this size
        let pkcs1 = BASE64.encode(&BASE64.decode(base64.as_bytes()).unwrap()[26..]);
        let rsa = format!("-----BEGIN RSA PRIVATE KEY-----\n{pkcs1}\n-----END RSA PRIVATE KEY-----\n");
        for text in
            [pem("\n"), pem("\r\n"), pem("\\n"), base64.clone(), BASE64.encode(pem("\n").as_bytes()), rsa]
        {
            let key = SigningKey::read("K", text.as_bytes()).unwrap();
            let token = key.sign(&json!({ "iss": "me" }), Some("7")).unwrap();
            let token = std::str::from_utf8(token.expose()).unwrap();
            let (signed, signature) = token.rsplit_once('.').unwrap();
            let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
            public.verify(signed.as_bytes(), &BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap()).unwrap();
            assert_eq!(claim(token, "iss").as_deref(), Some("me"));
            let head = BASE64URL_NOPAD.decode(token.split('.').next().unwrap().as_bytes()).unwrap();
            assert_eq!(serde_json::from_slice::<Value>(&head).unwrap()["kid"], "7");
        }
    }

    #[test]
    fn what_is_no_key_is_named_by_its_entry_alone() {
        for text in [
            "hunter2hunter2",
            "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----",
            "",
            "AAAA",
        ] {
            let why = SigningKey::read("APP_KEY", text.as_bytes()).err().unwrap();
            assert_eq!(why.code(), "credential_unusable");
            assert!(why.to_string().contains("APP_KEY") && !why.to_string().contains("hunter2"), "{why}");
        }
        for text in ["", "a.b", "a.e30.c", "x"] {
            assert_eq!(claim(text, "iss"), None, "{text}");
        }
    }
}
