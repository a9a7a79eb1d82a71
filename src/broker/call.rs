//! A call to a token endpoint and its answer, as plain data.

use super::error::Error;
use crate::base::clock::Timestamp;
use crate::base::host::Authority;
use crate::base::secret::Secret;
use data_encoding::BASE64;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use serde_json::Value;
use zeroize::Zeroize;

/// A POST over TLS.
pub struct Call {
    /// Where to.
    pub to: Authority,
    /// The path.
    pub path: String,
    /// Header names in lower case.
    pub headers: Vec<(&'static str, Secret)>,
    /// The body.
    pub body: Secret,
}

/// What came back.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body, as far as it is looked at.
    pub body: Secret,
}

/// What an answer grants.
pub struct Granted {
    /// The token.
    pub token: Secret,
    /// Until when; `None`: it was not said.
    pub until: Option<Timestamp>,
    /// A refresh token that takes the place of the one that was sent.
    pub rotated: Option<Secret>,
}

/// A form, `application/x-www-form-urlencoded`.
pub struct Form(Vec<u8>);

/// Everything but the unreserved characters of RFC 3986.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Fewer bytes than this are no token, and would be found everywhere.
const SHORTEST: usize = 8;
/// More are none either.
const LONGEST: usize = 16 * 1024;

impl Form {
    pub(super) fn new(grant: &str) -> Self {
        Self(Vec::new()).with("grant_type", grant.as_bytes())
    }

    pub(super) fn with(mut self, name: &str, value: &[u8]) -> Self {
        if !self.0.is_empty() {
            self.0.push(b'&');
        }
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(b'=');
        percent_encode(value, ESCAPED).for_each(|piece| self.0.extend_from_slice(piece.as_bytes()));
        self
    }

    pub(super) fn maybe(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, value.as_bytes()),
            None => self,
        }
    }

    pub(super) fn call(self, to: Authority, path: String) -> Call {
        let kind = Secret::from("application/x-www-form-urlencoded");
        let headers = vec![("content-type", kind), ("accept", Secret::from("application/json"))];
        Call { to, path, headers, body: Secret::new(self.0) }
    }
}

/// `Basic`, as OAuth wants it: both parts are encoded as in a form first (RFC 6749 §2.3.1).
pub(super) fn basic(user: &str, password: &Secret) -> Secret {
    let coded = |bytes: &[u8]| percent_encode(bytes, ESCAPED).to_string();
    let mut pair = format!("{}:{}", coded(user.as_bytes()), coded(password.expose()));
    let text = format!("Basic {}", BASE64.encode(pair.as_bytes()));
    pair.zeroize();
    Secret::from(text)
}

/// The answer's document, if it is one of success.
pub(super) fn document(answer: &Answer) -> Result<Value, Error> {
    let document = serde_json::from_slice::<Value>(answer.body.expose()).unwrap_or_default();
    let error = document.get("error").and_then(Value::as_str).filter(|e| plain(e)).map(str::to_owned);
    if !(200..300).contains(&answer.status) {
        return Err(Error::Refused { status: answer.status, error });
    }
    // some say so with status 200
    if document.get("error").is_some_and(|e| !e.is_null()) {
        return Err(Error::Refused { status: answer.status, error });
    }
    if document.is_object() { Ok(document) } else { Err(Error::Unreadable("it is no JSON object")) }
}

/// An error code of OAuth's, and nothing that could be anything else.
fn plain(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b == b'-')
}

/// A token under this key.
pub(super) fn token(document: &Value, key: &str) -> Result<Secret, Error> {
    let text = document.get(key).and_then(Value::as_str).ok_or(Error::Unreadable("it has no token"))?;
    if !(SHORTEST..=LONGEST).contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Error::Unreadable("its token is too short, too long, or not printable"));
    }
    Ok(Secret::from(text))
}

/// Wipes what a document said of tokens.
pub(super) fn forget(mut document: Value) {
    if let Some(map) = document.as_object_mut() {
        for value in map.values_mut() {
            if let Value::String(text) = value {
                text.zeroize();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, body: Secret::from(body) }
    }

    #[test]
    fn forms_and_names_are_encoded() {
        let form = Form::new("x").with("a", b"b&c=d e").maybe("n", None).maybe("m", Some("1"));
        assert_eq!(form.0, b"grant_type=x&a=b%26c%3Dd%20e&m=1");
        let text = basic("me:too", &Secret::from("p w"));
        assert_eq!(text.expose(), format!("Basic {}", BASE64.encode(b"me%3Atoo:p%20w")).as_bytes());
    }

    #[test]
    fn refusals_carry_a_code_and_nothing_else() {
        let said = |status, body: &str| document(&answer(status, body)).unwrap_err();
        let grant = Error::Refused { status: 400, error: Some("invalid_grant".into()) };
        assert_eq!(said(400, r#"{"error":"invalid_grant","error_description":"hunter2"}"#), grant);
        assert_eq!(said(500, "hunter2"), Error::Refused { status: 500, error: None });
        assert_eq!(said(400, r#"{"error":"Hunter2 Secret"}"#), Error::Refused { status: 400, error: None });
        assert_eq!(
            said(200, r#"{"error":"bad"}"#),
            Error::Refused { status: 200, error: Some("bad".into()) }
        );
        assert_eq!(said(200, "[1]"), Error::Unreadable("it is no JSON object"));
        assert_eq!(said(302, "").code(), "token_refused");
    }

    #[test]
    fn tokens_are_printable_and_neither_short_nor_endless() {
        let of = |text: &str| token(&serde_json::json!({ "t": text }), "t");
        assert!(of("ya29.a0Af_-~+/=").is_ok());
        for bad in ["short", "has a space", "line\r\nend", &"x".repeat(20_000)] {
            assert_eq!(of(bad).unwrap_err().code(), "token_unreadable");
        }
        assert!(token(&serde_json::json!({ "t": 1 }), "t").is_err());
    }
}
