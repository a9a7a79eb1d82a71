//! `answer_token_calls`: an agent that asks an account's own token endpoint, with a placeholder for its secret, is answered
//! here, with a placeholder for the token and the life of the real one. What it holds is worth nothing elsewhere.

use super::desk::{Desk, held, stands_for};
use crate::base::clock::Timestamp;
use crate::base::host::Authority;
use crate::broker::grant::KeyFile;
use crate::broker::jwt;
use crate::config::Account;
use crate::config::account::{GithubApp, Grant, OAuth2};
use crate::pipeline::RequestHead;
use crate::pipeline::exchange::{Exchange, Scheme};
use crate::pipeline::stage::{Claim, OwnAnswer, Stage, StageError, Verdict};
use crate::telemetry::metrics::Metric;
use data_encoding::BASE64;
use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use std::sync::Arc;

/// The stage.
pub struct AnswerTokenCalls {
    desk: Desk,
}

const STAGE: &str = "answer_token_calls";

impl AnswerTokenCalls {
    /// At this desk.
    #[must_use]
    pub fn new(desk: Desk) -> Self {
        Self { desk }
    }
}

impl Stage for AnswerTokenCalls {
    fn name(&self) -> &'static str {
        STAGE
    }

    async fn request(&self, ex: &Exchange, head: &mut RequestHead) -> Result<Verdict, StageError> {
        let accounts = ex.vault.bindings.accounts();
        let asked = !accounts.is_empty()
            && ex.scheme == Scheme::Https
            && head.method == Method::POST
            && self.desk.on
            && accounts.iter().any(|a| endpoint(ex, a, head));
        Ok(if asked { Verdict::Claim } else { Verdict::Continue })
    }

    async fn claimed(&self, ex: &Exchange, head: &RequestHead, body: &[u8]) -> Result<Claim, StageError> {
        let said = Said::read(head, body);
        let accounts = ex.vault.bindings.accounts().iter().filter(|a| endpoint(ex, a, head));
        let Some((account, placeholder)) = accounts.clone().find_map(|a| Some((a, meant(ex, a, &said)?)))
        else {
            return Ok(Claim::Dropped);
        };
        let until = match self.desk.token(STAGE, ex, account).await {
            Ok(token) => token.map_or(Timestamp::now(), |t| t.until),
            Err(denial) => return Ok(Claim::Refuse(denial)),
        };
        ex.reason(format!(
            "katana answered the token call itself, with the placeholder of {}",
            account.entry()
        ));
        Metric::TokenCallsAnswered.inc();
        Ok(Claim::Answer(answer(account, &placeholder, until)))
    }
}

/// Is this request to the account's token endpoint?
fn endpoint(ex: &Exchange, account: &Account, head: &RequestHead) -> bool {
    let at = |to: &Authority, path: &str| {
        let path = if path.is_empty() { "/" } else { path };
        *to == ex.authority && path == head.uri.path()
    };
    match account {
        Account::OAuth2(o) => at(&o.token_url.to, &o.token_url.path),
        Account::GithubApp(g) => at(&g.api.to, &installation(g)),
        Account::GcpServiceAccount(g) => {
            g.token_hosts.iter().any(|p| p.matches(&ex.authority.host))
                && key_file(ex, account).is_some_and(|f| at(&f.token_uri.to, &f.token_uri.path))
        }
        Account::AwsSigV4(_) => false,
    }
}

fn installation(g: &GithubApp) -> String {
    format!("{}/app/installations/{}/access_tokens", g.api.path, g.installation_id)
}

fn key_file(ex: &Exchange, account: &Account) -> Option<KeyFile> {
    let (_, document) = held(ex, account.entry())?;
    KeyFile::read(account.entry(), &document.value).ok()
}

/// The account that is asked for, by a placeholder of its own or by name: what the agent gets for it.
fn meant(ex: &Exchange, account: &Account, said: &Said) -> Option<String> {
    let (_, own) = held(ex, account.entry())?;
    let given = |text: &Option<String>| text.clone().filter(|t| stands_for(own, t.as_bytes()));
    // an assertion by this issuer, whoever signed it: the answer is of no use but here
    let issued = |text: &Option<String>, issuer: &str| {
        let by = text.as_deref().and_then(|t| jwt::claim(t, "iss"));
        (by.as_deref() == Some(issuer)).then(|| own.placeholder.to_string())
    };
    match account {
        Account::OAuth2(o) => match o.grant {
            Grant::RefreshToken => given(&said.refresh_token),
            Grant::ClientCredentials => given(&said.client_secret).filter(|_| said.is_client(o)),
            Grant::JwtBearer => given(&said.assertion).or_else(|| issued(&said.assertion, &o.client_id)),
        },
        Account::GithubApp(g) => given(&said.bearer).or_else(|| issued(&said.bearer, &g.app_id)),
        Account::GcpServiceAccount(_) => {
            let email = key_file(ex, account)?.client_email;
            given(&said.assertion).or_else(|| issued(&said.assertion, &email))
        }
        Account::AwsSigV4(_) => None,
    }
}

fn answer(account: &Arc<Account>, placeholder: &str, until: Timestamp) -> OwnAnswer {
    let seconds = (until.0 - Timestamp::now().0).max(0) / 1000;
    let (status, document) = match &**account {
        Account::GithubApp(_) => {
            let at =
                String::from_utf8_lossy(&Timestamp(until.0.div_euclid(1000) * 1000).rfc3339()).into_owned();
            (201, json!({ "token": placeholder, "expires_at": at.replace(".000Z", "Z") }))
        }
        Account::OAuth2(OAuth2 { scopes, .. }) if !scopes.is_empty() => {
            (200, bearer(placeholder, seconds, Some(scopes)))
        }
        _ => (200, bearer(placeholder, seconds, None)),
    };
    OwnAnswer { status, body: document.to_string().into_bytes() }
}

fn bearer(placeholder: &str, seconds: i64, scopes: Option<&[String]>) -> Value {
    let mut document = json!({ "access_token": placeholder, "token_type": "Bearer", "expires_in": seconds });
    if let Some(scopes) = scopes {
        document["scope"] = scopes.join(" ").into();
    }
    document
}

/// What a token call says, in a form, in JSON, or in its `Authorization`.
#[derive(Default)]
struct Said {
    refresh_token: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    assertion: Option<String>,
    bearer: Option<String>,
}

impl Said {
    fn read(head: &RequestHead, body: &[u8]) -> Self {
        let mut said = Self::default();
        let text = head.headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        if text.to_ascii_lowercase().starts_with("application/json") {
            let document: Value = serde_json::from_slice(body).unwrap_or_default();
            said.take(|name| document.get(name)?.as_str().map(str::to_owned));
        } else {
            let form = std::str::from_utf8(body).unwrap_or_default();
            said.take(|name| {
                let pairs = form.split('&').filter_map(|p| p.split_once('='));
                pairs.filter(|(n, _)| *n == name).map(|(_, v)| decoded(v)).next()
            });
        }
        let authorization = head.headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok()).unwrap_or_default();
        if let Some((user, password)) = basic(authorization) {
            said.client_id = Some(user);
            said.client_secret = Some(password);
        }
        let (scheme, rest) = authorization.split_once(' ').unwrap_or_default();
        said.bearer = scheme.eq_ignore_ascii_case("bearer").then(|| rest.trim().to_owned());
        said
    }

    fn take(&mut self, field: impl Fn(&str) -> Option<String>) {
        self.refresh_token = field("refresh_token");
        self.client_id = field("client_id");
        self.client_secret = field("client_secret");
        self.assertion = field("assertion");
    }

    fn is_client(&self, o: &OAuth2) -> bool {
        self.client_id.as_ref().is_none_or(|id| *id == o.client_id)
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

fn basic(authorization: &str) -> Option<(String, String)> {
    let (scheme, rest) = authorization.split_once(' ')?;
    let pair = scheme.eq_ignore_ascii_case("basic").then(|| BASE64.decode(rest.trim().as_bytes()).ok())??;
    let pair = String::from_utf8(pair).ok()?;
    let (user, password) = pair.split_once(':')?;
    Some((decoded(user), decoded(password)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(kind: &str, authorization: &str, body: &str) -> Said {
        let head =
            http::Request::builder().header("content-type", kind).header("authorization", authorization);
        Said::read(&head.body(()).unwrap().into_parts().0, body.as_bytes())
    }

    #[test]
    fn calls_are_read_as_form_as_json_and_from_their_head() {
        let form = "grant_type=refresh_token&refresh_token=a%2Db+c&client_id=me&client_secret=s";
        let read = said("application/x-www-form-urlencoded", "", form);
        assert_eq!(read.refresh_token.as_deref(), Some("a-b c"));
        assert_eq!((read.client_id.as_deref(), read.client_secret.as_deref()), (Some("me"), Some("s")));
        let read = said("application/json; charset=utf-8", "", r#"{"refresh_token":"r","assertion":7}"#);
        assert_eq!((read.refresh_token.as_deref(), read.assertion), (Some("r"), None));
        let pair = format!("basic {}", BASE64.encode(b"me%3Ax:s%2Ft"));
        let read = said("", &pair, "grant_type=client_credentials");
        assert_eq!((read.client_id.as_deref(), read.client_secret.as_deref()), (Some("me:x"), Some("s/t")));
        assert_eq!(said("", "bearer  j.w.t ", "").bearer.as_deref(), Some("j.w.t"));
        assert!(said("application/json", "Basic ???", "{").client_id.is_none());
    }
}
