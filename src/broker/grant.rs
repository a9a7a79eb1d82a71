//! Which call obtains an account's token, and what its answer grants.

use super::call::{self, Answer, Call, Form, Granted};
use super::error::Error;
use super::jwt::SigningKey;
use super::purse::Purse;
use crate::base::clock::Timestamp;
use crate::base::glob::HostPattern;
use crate::base::secret::Secret;
use crate::config::Account;
use crate::config::account::{ClientAuth, GcpServiceAccount, GithubApp, Grant, HttpsUrl, OAuth2};
use serde_json::{Value, json};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The call that obtains a token now. `rotated`: a refresh token that took the place of the vault's.
///
/// # Errors
/// What the vault lacks, or holds in a form that cannot be used.
pub fn call(
    account: &Account,
    purse: Purse<'_>,
    rotated: Option<&Secret>,
    now: Timestamp,
) -> Result<Call, Error> {
    match account {
        Account::OAuth2(o) => oauth2(o, purse, rotated, now),
        Account::GithubApp(g) => github(g, purse, now),
        Account::GcpServiceAccount(g) => gcp(g, purse, now),
        Account::AwsSigV4(a) => {
            Err(Error::Unusable { entry: a.secret.clone(), what: "signs requests and has no token" })
        }
    }
}

/// What the answer grants.
///
/// # Errors
/// The endpoint's refusal, or an answer that is none.
pub fn read(account: &Account, answer: &Answer, now: Timestamp) -> Result<Granted, Error> {
    let document = call::document(answer)?;
    let read = match account {
        Account::GithubApp(_) => installation(&document),
        _ => access(&document, now),
    };
    call::forget(document);
    read
}

fn access(document: &Value, now: Timestamp) -> Result<Granted, Error> {
    let kind = document.get("token_type").and_then(Value::as_str);
    if kind.is_some_and(|k| !k.eq_ignore_ascii_case("bearer")) {
        return Err(Error::Unreadable("its token is of a type other than Bearer"));
    }
    let lifetime = match document.get("expires_in") {
        Some(Value::Number(n)) => n.as_f64(),
        Some(Value::String(text)) => text.parse().ok(),
        _ => None,
    };
    let rotated = match document.get("refresh_token") {
        Some(Value::String(_)) => Some(call::token(document, "refresh_token")?),
        _ => None,
    };
    #[expect(clippy::cast_possible_truncation, reason = "bounded to ten years")]
    let until = lifetime.map(|s| Timestamp(now.0 + (s.clamp(0.0, 315_360_000.0) * 1000.0) as i64));
    Ok(Granted { token: call::token(document, "access_token")?, until, rotated })
}

fn installation(document: &Value) -> Result<Granted, Error> {
    let until = document.get("expires_at").and_then(Value::as_str).and_then(Timestamp::parse);
    Ok(Granted { token: call::token(document, "token")?, until, rotated: None })
}

fn oauth2(o: &OAuth2, purse: Purse<'_>, rotated: Option<&Secret>, now: Timestamp) -> Result<Call, Error> {
    let scope = (!o.scopes.is_empty()).then(|| o.scopes.join(" "));
    let main = o.secret.as_deref().unwrap_or_default();
    let form = match o.grant {
        Grant::RefreshToken => {
            let token = match rotated {
                Some(token) => token,
                None => purse.value(main)?,
            };
            Form::new("refresh_token").with("refresh_token", token.expose())
        }
        Grant::ClientCredentials => Form::new("client_credentials"),
        Grant::JwtBearer => {
            let key = SigningKey::read(main, purse.value(main)?.expose())?;
            let audience = o.audience.clone().unwrap_or_else(|| o.token_url.to_string());
            let subject = o.subject.as_ref().unwrap_or(&o.client_id);
            let claims = claims(&o.client_id, Some(subject), &audience, scope.as_deref(), now);
            let assertion = key.sign(&claims, o.key_id.as_deref())?;
            Form::new(JWT_BEARER).with("assertion", assertion.expose())
        }
    };
    let mut form = form.maybe("scope", scope.as_deref());
    if o.grant != Grant::JwtBearer {
        form = form.maybe("audience", o.audience.as_deref());
    }
    let secret = o.client_secret.as_deref().map(|entry| purse.value(entry)).transpose()?;
    let header = match (o.auth, secret) {
        (ClientAuth::Basic, Some(secret)) => Some(call::basic(&o.client_id, secret)),
        (_, secret) => {
            form = form.with("client_id", o.client_id.as_bytes());
            if let Some(secret) = secret {
                form = form.with("client_secret", secret.expose());
            }
            None
        }
    };
    let mut call = form.call(o.token_url.to.clone(), path(&o.token_url));
    call.headers.extend(header.map(|h| ("authorization", h)));
    Ok(call)
}

/// Endpoints take assertions that end within the hour; these end in five minutes.
fn claims(issuer: &str, subject: Option<&str>, audience: &str, scope: Option<&str>, now: Timestamp) -> Value {
    let seconds = now.0.div_euclid(1000);
    let mut claims = json!({ "iss": issuer, "aud": audience, "iat": seconds, "exp": seconds + 300 });
    for (name, value) in [("sub", subject), ("scope", scope)] {
        if let Some(value) = value {
            claims[name] = value.into();
        }
    }
    claims
}

fn github(g: &GithubApp, purse: Purse<'_>, now: Timestamp) -> Result<Call, Error> {
    let key = SigningKey::read(&g.secret, purse.value(&g.secret)?.expose())?;
    let seconds = now.0.div_euclid(1000);
    // a minute back, for clocks that differ; GitHub takes ten minutes at most
    let claims = json!({ "iss": g.app_id, "iat": seconds - 60, "exp": seconds + 300 });
    let token = key.sign(&claims, None)?;
    let bearer = Secret::new([b"Bearer ".as_slice(), token.expose()].concat());
    let headers = vec![
        ("authorization", bearer),
        ("accept", Secret::from("application/vnd.github+json")),
        ("x-github-api-version", Secret::from("2022-11-28")),
        ("user-agent", Secret::from("katana")),
    ];
    let path = format!("{}/app/installations/{}/access_tokens", g.api.path, g.installation_id);
    Ok(Call { to: g.api.to.clone(), path, headers, body: Secret::default() })
}

fn gcp(g: &GcpServiceAccount, purse: Purse<'_>, now: Timestamp) -> Result<Call, Error> {
    let file = KeyFile::read(&g.secret, purse.value(&g.secret)?)?;
    if !g.token_hosts.iter().any(|p: &HostPattern| p.matches(&file.token_uri.to.host)) {
        return Err(Error::Endpoint(g.secret.clone()));
    }
    let key = SigningKey::read(&g.secret, file.private_key.expose())?;
    let audience = file.token_uri.to_string();
    let claims = claims(&file.client_email, g.subject.as_deref(), &audience, Some(&g.scopes.join(" ")), now);
    let assertion = key.sign(&claims, file.private_key_id.as_deref())?;
    let form = Form::new(JWT_BEARER).with("assertion", assertion.expose());
    Ok(form.call(file.token_uri.to.clone(), path(&file.token_uri)))
}

/// A service account's key file, as Google hands it out.
pub struct KeyFile {
    /// Who asks.
    pub client_email: String,
    /// Where.
    pub token_uri: HttpsUrl,
    private_key: Secret,
    private_key_id: Option<String>,
}

impl KeyFile {
    /// Reads it.
    ///
    /// # Errors
    /// [`Error::Unusable`], naming the entry.
    pub fn read(entry: &str, text: &Secret) -> Result<Self, Error> {
        let wrong = |what| Error::Unusable { entry: entry.to_owned(), what };
        let document: Value =
            serde_json::from_slice(text.expose()).map_err(|_| wrong("holds no JSON document"))?;
        let field = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
        let file = Self {
            client_email: field("client_email").ok_or(wrong("holds a key file without client_email"))?,
            token_uri: field("token_uri")
                .and_then(|t| HttpsUrl::parse(&t))
                .ok_or(wrong("holds a key file whose token_uri is no plain https URL"))?,
            private_key: field("private_key").ok_or(wrong("holds a key file without private_key"))?.into(),
            private_key_id: field("private_key_id"),
        };
        call::forget(document);
        Ok(file)
    }
}

fn path(url: &HttpsUrl) -> String {
    if url.path.is_empty() { "/".to_owned() } else { url.path.clone() }
}

#[cfg(test)]
mod tests;
