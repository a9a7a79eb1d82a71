//! Signs a request anew, when its body is settled: the real key id and session token are put in, what is said of the body
//! is made true, and the signature replaces the agent's.

use super::signing::{request, stated};
use super::{MOST_HASHED, STAGE};
use crate::base::secret::Secret;
use crate::broker::sigv4::chunked::{Fault, Resigner};
use crate::broker::sigv4::{self, Place, Signed, sha256_hex};
use crate::broker::{Error, Purse};
use crate::config::Account;
use crate::config::account::{AccessKeyId, AwsSigV4};
use crate::pipeline::exchange::{Exchange, Signing};
use crate::pipeline::slot::with_path_and_query;
use crate::pipeline::stage::{Departure, Rewrite, Settled};
use crate::pipeline::{Denial, RequestHead, StageError};
use crate::telemetry::metrics::Metric;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, TRAILER};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

const SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const TOKEN: &str = "x-amz-security-token";
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Signs it.
pub(super) fn sign(
    ex: &Exchange,
    signing: &Signing,
    head: &mut RequestHead,
    body: Settled<'_>,
) -> Result<Departure, StageError> {
    let Account::AwsSigV4(aws) = &*signing.account else { return Ok(Departure::AsIs) };
    let keys = match Keys::find(ex, aws) {
        Ok(keys) => keys,
        Err(why) => return Ok(Departure::Refuse(unusable(aws, &why))),
    };
    let payload = match payload(signing, head, body) {
        Ok(payload) => payload,
        Err(denial) => return Ok(Departure::Refuse(denial)),
    };
    let mut signed = signing.signed.clone();
    signed.scope.key_id.clone_from(&keys.id);
    host(ex, head)?;
    dress(head, &mut signed, &keys)?;
    let seed = match sigv4::sign(&request(head), &signed, keys.secret, &payload) {
        Ok(seed) => seed,
        Err(why) => return Ok(Departure::Refuse(undated(&why.to_string()))),
    };
    put_signature(head, &signed, &seed.signature)?;
    Metric::Signed.inc();
    let scope = &signed.scope;
    ex.reason(format!("signed anew with {} for {} in {}", aws.secret, scope.service, scope.region));
    let chunks = payload.starts_with("STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
    Ok(if chunks { Departure::Rewrite(Box::new(Chunks(Resigner::new(seed)))) } else { Departure::AsIs })
}

/// What is signed with.
struct Keys<'a> {
    id: String,
    secret: &'a Secret,
    token: Option<&'a Secret>,
}

impl<'a> Keys<'a> {
    fn find(ex: &'a Exchange, aws: &AwsSigV4) -> Result<Self, Error> {
        let purse = Purse(&ex.vault.held);
        let id = match &aws.access_key_id {
            AccessKeyId::Literal(id) => id.clone(),
            AccessKeyId::Entry(entry) => String::from_utf8_lossy(purse.value(entry)?.expose()).into_owned(),
        };
        let token = aws.session_token.as_deref().map(|entry| purse.value(entry)).transpose()?;
        Ok(Self { id, secret: purse.value(&aws.secret)?, token })
    }
}

/// What the signature says of the body. Where the head says what is not so any more, the head is made true.
fn payload(signing: &Signing, head: &mut RequestHead, body: Settled<'_>) -> Result<String, Denial> {
    let Some(said) = stated(head, &signing.signed) else {
        return match body {
            Settled::Whole(bytes) => Ok(sha256_hex(bytes)),
            Settled::Passing => Err(unhashed()),
        };
    };
    let (hash, streaming) = (said.len() == 64, said.starts_with("STREAMING-"));
    // the coding is gone where something in it was replaced: it goes on decoded
    let decoded = streaming && signing.chunked && !head.headers.contains_key(CONTENT_ENCODING);
    match (said.as_str(), body) {
        (_, Settled::Whole(bytes)) if decoded => {
            for name in ["x-amz-decoded-content-length", "x-amz-trailer"] {
                head.headers.remove(name);
            }
            head.headers.remove(TRAILER);
            Ok(restate(head, bytes))
        }
        (_, Settled::Whole(bytes)) if hash && sha256_hex(bytes) != said => Ok(restate(head, bytes)),
        (sigv4::UNSIGNED | "STREAMING-UNSIGNED-PAYLOAD-TRAILER", _) => Ok(said),
        ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD" | "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", _) => Ok(said),
        _ if hash => Ok(said),
        _ => Err(unknown_payload()),
    }
}

/// The hash of this body, in its header; checksums of another body go.
fn restate(head: &mut RequestHead, body: &[u8]) -> String {
    let hash = sha256_hex(body);
    if let Ok(value) = HeaderValue::from_str(&hash) {
        head.headers.insert(SHA256, value);
    }
    head.headers.insert(CONTENT_LENGTH, body.len().into());
    let stale = |n: &&HeaderName| n.as_str().starts_with("x-amz-checksum-") || n.as_str() == "content-md5";
    let stale: Vec<HeaderName> = head.headers.keys().filter(stale).cloned().collect();
    for name in stale {
        head.headers.remove(name);
    }
    hash
}

/// `Host` as upstream will see it over either protocol.
fn host(ex: &Exchange, head: &mut RequestHead) -> Result<(), StageError> {
    let to = &ex.authority;
    let text = if to.port == ex.scheme.default_port() { to.host.to_string() } else { to.to_string() };
    head.headers.insert(HOST, header(&text)?);
    Ok(())
}

/// Puts in who signs, and with which session token; and what is no longer there is no longer signed.
fn dress(head: &mut RequestHead, signed: &mut Signed, keys: &Keys<'_>) -> Result<(), StageError> {
    let text = |s: &Secret| String::from_utf8_lossy(s.expose()).into_owned();
    head.headers.remove(TOKEN);
    match signed.place {
        Place::Header => {
            if let Some(token) = keys.token {
                let mut value = header(&text(token))?;
                value.set_sensitive(true);
                head.headers.insert(TOKEN, value);
                signed.headers.push(TOKEN.to_owned());
            }
        }
        Place::Query => {
            let credential = format!("{}/{}", keys.id, signed.scope.without_key());
            set_parameter(head, "X-Amz-Credential", Some(&credential))?;
            set_parameter(head, "X-Amz-Security-Token", keys.token.map(text).as_deref())?;
        }
    }
    signed.headers.retain(|n| head.headers.contains_key(n.as_str()));
    signed.headers.sort();
    signed.headers.dedup();
    if signed.place == Place::Query {
        set_parameter(head, "X-Amz-SignedHeaders", Some(&signed.headers.join(";")))?;
    }
    Ok(())
}

fn put_signature(head: &mut RequestHead, signed: &Signed, signature: &str) -> Result<(), StageError> {
    if signed.place == Place::Query {
        return set_parameter(head, "X-Amz-Signature", Some(signature));
    }
    let text = format!(
        "{} Credential={}/{}, SignedHeaders={}, Signature={signature}",
        sigv4::scope::ALGORITHM,
        signed.scope.key_id,
        signed.scope.without_key(),
        signed.headers.join(";")
    );
    let mut value = header(&text)?;
    value.set_sensitive(true);
    head.headers.insert(AUTHORIZATION, value);
    Ok(())
}

/// One parameter of the query: set where it stands, or at the end; `None` takes it out.
fn set_parameter(head: &mut RequestHead, name: &str, value: Option<&str>) -> Result<(), StageError> {
    let query = head.uri.query().unwrap_or_default();
    let is = |pair: &str| percent_decode_str(pair.split('=').next().unwrap_or_default()).eq(name.bytes());
    let written = value.map(|v| format!("{name}={}", percent_encode(v.as_bytes(), ESCAPED)));
    let mut pairs: Vec<String> = Vec::new();
    let mut put = written;
    for pair in query.split('&').filter(|p| !p.is_empty()) {
        if is(pair) { pairs.extend(put.take()) } else { pairs.push(pair.to_owned()) }
    }
    pairs.extend(put);
    let text = format!("{}?{}", head.uri.path(), pairs.join("&"));
    head.uri = with_path_and_query(&head.uri, &text).map_err(|why| StageError(why.to_owned()))?;
    Ok(())
}

fn header(text: &str) -> Result<HeaderValue, StageError> {
    HeaderValue::from_str(text).map_err(|_| StageError("what is signed with cannot stand in a header".into()))
}

/// Chunks that are signed as they pass.
struct Chunks(Resigner);

impl Rewrite for Chunks {
    fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Denial> {
        self.0.push(bytes).map_err(misframed)
    }

    fn finish(&mut self) -> Result<(), Denial> {
        self.0.finish().map_err(misframed)
    }
}

fn misframed(fault: Fault) -> Denial {
    Denial::forbidden(
        STAGE,
        "signature_body",
        "aws_sigv4",
        format!("The request's body cannot be signed: {fault}."),
        "Send the body as its x-amz-content-sha256 says.",
    )
}

fn unhashed() -> Denial {
    Denial::forbidden(
        STAGE,
        "signature_body",
        "aws_sigv4",
        format!(
            "The signature has to cover the body, which is larger than {} MiB or has no stated length.",
            MOST_HASHED >> 20
        ),
        "Send it with a Content-Length, or in parts; for S3, with x-amz-content-sha256.",
    )
}

fn unknown_payload() -> Denial {
    Denial::forbidden(
        STAGE,
        "signature_unreadable",
        "aws_sigv4",
        "The request says of its body what cannot be signed anew (x-amz-content-sha256).",
        "Use a hash, UNSIGNED-PAYLOAD, or one of the STREAMING-…-PAYLOAD words of AWS4-HMAC-SHA256.",
    )
}

fn undated(why: &str) -> Denial {
    Denial::forbidden(
        STAGE,
        "signature_unreadable",
        "aws_sigv4",
        format!("The request cannot be signed: {why}."),
        "Send x-amz-date, or Date, of the day in the credential's scope.",
    )
}

fn unusable(aws: &AwsSigV4, why: &Error) -> Denial {
    Denial {
        status: 503,
        code: why.code(),
        stage: STAGE,
        rule: format!("credential:{}", aws.secret).into(),
        message: format!("The request cannot be signed: {why}.").into(),
        remedy: why.remedy().into(),
    }
}
