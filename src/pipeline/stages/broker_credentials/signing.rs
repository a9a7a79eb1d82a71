//! May this request be signed with the account's key, and what of it must be known for that? Nothing is signed yet: the
//! body may still change.

use super::STAGE;
use crate::base::clock::Timestamp;
use crate::broker::sigv4::{self, Place, Reading, Request, Signed};
use crate::config::Account;
use crate::config::account::{AccessKeyId, AwsSigV4};
use crate::pipeline::exchange::{Errand, Exchange, Scheme, Signing};
use crate::pipeline::stages::desk::{Desk, held, stands_for};
use crate::pipeline::stages::inject_credentials::refusal;
use crate::pipeline::{Denial, RequestHead};
use crate::vault::Standing;
use crate::vault::credentials::Binding;
use http::header::{AUTHORIZATION, CONTENT_ENCODING};

/// Judges the request as the agent signed it.
pub(super) fn judge(
    desk: &Desk,
    ex: &Exchange,
    head: &RequestHead,
    bound: &[&Binding],
) -> Result<(), Denial> {
    let mut accounts = bound.iter().filter_map(|b| match b.account.as_deref()? {
        Account::AwsSigV4(aws) => Some((*b, aws)),
        _ => None,
    });
    let Some(first) = accounts.next() else { return Ok(()) };
    let mut all = std::iter::once(first).chain(accounts);
    let (binding, aws, signed) = match sigv4::read(&request(head)) {
        Reading::Unsigned => return Ok(()),
        Reading::Unclear if all.any(|(_, aws)| mentions_own(ex, aws, head)) => return Err(unclear()),
        Reading::Unclear => return Ok(()),
        Reading::Signed(signed) => {
            let id = signed.scope.key_id.as_bytes();
            if let Some(denial) = all.clone().find_map(|(_, aws)| lapsed(ex, aws, id)) {
                return Err(denial);
            }
            match all.find(|(_, aws)| is_own(ex, aws, id)) {
                // the agent's own key
                None => return Ok(()),
                Some((binding, aws)) => (binding, aws, signed),
            }
        }
    };
    if !desk.on || ex.scheme == Scheme::Http {
        return Err(refusal::not_injected(desk.on));
    }
    let scope = &signed.scope;
    if !aws.regions.iter().any(|r| r.matches(&scope.region)) {
        return Err(out_of_scope(aws, "region", &scope.region));
    }
    if !aws.services.iter().any(|s| s.matches(&scope.service)) {
        return Err(out_of_scope(aws, "service", &scope.service));
    }
    let Some(account) = &binding.account else { return Ok(()) };
    let coded = head.headers.get_all(CONTENT_ENCODING).iter().filter_map(|v| v.to_str().ok());
    let chunked = coded.flat_map(|v| v.split(',')).any(|c| c.trim().eq_ignore_ascii_case("aws-chunked"));
    let whole = stated(head, &signed).is_none();
    ex.run(Errand::Sign(Box::new(Signing { account: account.clone(), signed, chunked, whole })));
    if let Some((at, _)) = held(ex, &aws.secret) {
        ex.injected(at, binding.slot.clone());
    }
    Ok(())
}

/// Is the request signed by this key id, wherever the signature stands?
pub(in crate::pipeline::stages) fn is_by(head: &RequestHead, id: impl Fn(&[u8]) -> bool) -> bool {
    matches!(sigv4::read(&request(head)), Reading::Signed(signed) if id(signed.scope.key_id.as_bytes()))
}

/// What the request says of its body: a hash, or one of AWS's words. `None`: nothing.
pub(super) fn stated(head: &RequestHead, signed: &Signed) -> Option<String> {
    let header = head.headers.get("x-amz-content-sha256").and_then(|v| v.to_str().ok());
    match (header, signed.place) {
        (Some(text), _) => Some(text.trim().to_owned()),
        (None, Place::Query) if signed.scope.service == "s3" => Some(sigv4::UNSIGNED.to_owned()),
        _ => None,
    }
}

/// The head as a signature sees it.
pub(super) fn request(head: &RequestHead) -> Request<'_> {
    let text = |v: &http::HeaderValue| String::from_utf8_lossy(v.as_bytes()).into_owned();
    Request {
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        headers: head.headers.iter().map(|(n, v)| (n.as_str().to_owned(), text(v))).collect(),
    }
}

/// Is it the id that the account signs with, as an agent holds it?
fn is_own(ex: &Exchange, aws: &AwsSigV4, id: &[u8]) -> bool {
    match &aws.access_key_id {
        AccessKeyId::Literal(own) => own.as_bytes() == id,
        AccessKeyId::Entry(entry) => held(ex, entry).is_some_and(|(_, held)| stands_for(held, id)),
    }
}

/// A placeholder of the id that is honoured no longer: no key of the agent's own.
fn lapsed(ex: &Exchange, aws: &AwsSigV4, id: &[u8]) -> Option<Denial> {
    let AccessKeyId::Entry(entry) = &aws.access_key_id else { return None };
    let (_, secret) = held(ex, entry)?;
    match secret.standing(id, Timestamp::now())? {
        Standing::Lapsed(alias) => Some(refusal::lapsed(secret, alias)),
        Standing::Honoured => None,
    }
}

fn mentions_own(ex: &Exchange, aws: &AwsSigV4, head: &RequestHead) -> bool {
    let header = head.headers.get(AUTHORIZATION).map(http::HeaderValue::as_bytes).unwrap_or_default();
    let query = head.uri.query().unwrap_or_default();
    let words = header.split(|b| b"=/, ".contains(b)).map(<[u8]>::to_vec);
    let query = query.split(['=', '&']).map(|w| percent_encoding::percent_decode_str(w).collect::<Vec<u8>>());
    let first = |w: Vec<u8>| w.split(|b| *b == b'/').next().unwrap_or_default().to_vec();
    words.chain(query).any(|w| is_own(ex, aws, &first(w)))
}

fn unclear() -> Denial {
    Denial::forbidden(
        STAGE,
        "signature_unreadable",
        "aws_sigv4",
        "The request names a key of katana's and is not signed in a way that can be signed anew.",
        "Sign with AWS Signature Version 4 (AWS4-HMAC-SHA256), once, in the header or in the query.",
    )
}

fn out_of_scope(aws: &AwsSigV4, what: &str, named: &str) -> Denial {
    Denial::forbidden(
        STAGE,
        "signature_out_of_scope",
        format!("credential:{}", aws.secret),
        format!("The request is signed for the {what} {named}, which this credential is not for."),
        format!("Use a {what} that the credential is for, or ask the operator to add it to {what}s."),
    )
}
