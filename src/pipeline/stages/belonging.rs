//! Is a credential where it belongs? In the header that a kind is sent in, on the way to the host it is meant for.

use super::head_text::Field;
use crate::pipeline::RequestHead;
use crate::pipeline::exchange::Exchange;
use crate::scanner::{Finding, Judge, Rule};
use data_encoding::{BASE64, BASE64_NOPAD};
use http::HeaderName;
use http::header::{AUTHORIZATION, COOKIE};

/// Headers in which a credential is where it belongs.
const AUTH_HEADERS: &[&str] = &[
    "authorization",
    "cookie",
    "x-api-key",
    "api-key",
    "apikey",
    "x-apikey",
    "x-api-token",
    "api-token",
    "x-access-token",
    "x-auth-token",
    "x-auth-key",
    "x-token",
    "x-goog-api-key",
    "private-token",
    "job-token",
    "deploy-token",
    "x-amz-security-token",
    "x-vault-token",
    "x-consul-token",
    "dd-api-key",
    "dd-application-key",
    "xi-api-key",
    "x-subscription-token",
    "ocp-apim-subscription-key",
    "x-functions-key",
    "x-figma-token",
    "x-shopify-access-token",
    "x-postmark-server-token",
    "x-n8n-api-key",
    "x-nuget-apikey",
    "x-jfrog-art-api",
    "x-algolia-api-key",
    "x-typesense-api-key",
    "x-honeycomb-team",
    "x-rapidapi-key",
    "x-mbx-apikey",
    "circle-token",
    "fastly-key",
];

/// Query fields of signed URLs that name a key and do not hold its secret, and the kind such a name is.
const KEY_NAMES: &[(&[u8], &str)] = &[
    (b"x-amz-credential=", "aws.access_key_id"),
    (b"awsaccesskeyid=", "aws.access_key_id"),
    (b"x-oss-credential=", "alibaba.access_key_id"),
    (b"ossaccesskeyid=", "alibaba.access_key_id"),
];

/// Longer Basic credentials are not looked into.
const LONGEST_BASIC: usize = 4096;

/// Where in a head a finding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// All of it in headers that carry credentials.
    Auth,
    /// In a cookie: whoever reads it has set it.
    Cookie,
    /// Anywhere else.
    Other,
}

impl Slot {
    pub(super) fn of<'f>(mut fields: impl Iterator<Item = &'f Field> + Clone) -> Slot {
        let value = |f: &Field, test: &dyn Fn(&HeaderName) -> bool| match f {
            Field::Value(n, _) | Field::Name(n) => test(n),
            Field::Target => false,
        };
        match () {
            () if fields.clone().all(|f| value(f, &|n| *n == COOKIE)) => Slot::Cookie,
            () if fields.all(|f| value(f, &|n| AUTH_HEADERS.contains(&n.as_str()))) => Slot::Auth,
            () => Slot::Other,
        }
    }
}

/// What is known of one request's destination.
pub(super) struct Belonging<'a> {
    judge: &'a Judge,
    ex: &'a Exchange,
    /// Has the operator bound a credential to this request?
    bound: bool,
}

impl<'a> Belonging<'a> {
    pub(super) fn new(judge: &'a Judge, ex: &'a Exchange, head: &RequestHead) -> Self {
        let (to, path) = (&ex.authority, head.uri.path());
        let bindings = ex.vault.bindings.all(&to.host, to.port, head.method.as_str(), path);
        let bound = bindings.iter().any(|b| matches!(&*b.provider, "config" | "vault"));
        Self { judge, ex, bound }
    }

    /// Is the finding sent to the host that its kind is meant for? `None`: the kind is meant for no host we know.
    pub(super) fn at_home(&self, finding: &Finding) -> Option<bool> {
        self.rule(finding)?.belongs(&self.ex.authority.host)
    }

    /// Is the finding ordinary traffic, given where it stands?
    pub(super) fn is_ordinary(&self, finding: &Finding, slot: Slot) -> bool {
        match (slot, self.at_home(finding)) {
            (_, Some(true)) | (Slot::Auth | Slot::Cookie, None) => true,
            (Slot::Cookie, Some(false)) => {
                self.bound || self.rule(finding).is_some_and(|r| !r.has_own_look())
            }
            (Slot::Auth, Some(false)) => self.bound,
            (Slot::Other, _) => false,
        }
    }

    fn rule(&self, finding: &Finding) -> Option<&'a Rule> {
        self.judge.scanner().rule(&finding.rule)
    }
}

/// Does this host ask for the finding's kind in a body?
pub(super) fn takes_in_body(judge: &Judge, ex: &Exchange, finding: &Finding) -> bool {
    judge.scanner().rule(&finding.rule).is_some_and(|r| r.goes_in_body(&ex.authority.host))
}

/// Does it only name the key that a URL was signed with?
pub(super) fn names_signing_key(target: &[u8], finding: &Finding) -> bool {
    let before = &target[..finding.start];
    KEY_NAMES.iter().any(|(name, kind)| {
        *kind == &*finding.rule
            && before.len() > name.len()
            && before[before.len() - name.len()..].eq_ignore_ascii_case(name)
    })
}

/// `name:password` of every Basic credential of a head.
pub(super) fn basic(head: &RequestHead) -> impl Iterator<Item = Vec<u8>> {
    head.headers.get_all(AUTHORIZATION).iter().filter_map(|value| {
        let (scheme, rest) = value.as_bytes().split_at_checked(6)?;
        let coded = rest.trim_ascii();
        let is_basic = scheme.eq_ignore_ascii_case(b"basic ") && coded.len() <= LONGEST_BASIC;
        is_basic.then(|| BASE64.decode(coded).or_else(|_| BASE64_NOPAD.decode(coded)).ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scanner::Family;
    use crate::scanner::views::Path;

    #[test]
    fn only_a_key_id_stands_in_for_a_name() {
        let named = |field: &str, rule: &str| {
            let target = format!("/a?b=c&{field}=value");
            let (start, end) = (target.len() - 5, target.len());
            let finding = Finding {
                rule: rule.into(),
                family: Family::Secret,
                confidence: 90,
                start,
                end,
                path: Path::PLAIN,
            };
            names_signing_key(target.as_bytes(), &finding)
        };
        assert!(named("X-Amz-Credential", "aws.access_key_id"));
        assert!(named("OSSAccessKeyId", "alibaba.access_key_id"));
        for (field, rule) in [
            ("X-Amz-Credential", "github.token"),
            ("AWSAccessKeyId", "aws.secret_access_key"),
            ("GoogleAccessId", "google.api_key"),
            ("Credential", "aws.access_key_id"),
        ] {
            assert!(!named(field, rule), "{field} {rule}");
        }
    }
}
