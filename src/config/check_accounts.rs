//! Entries of `credentials` that have a `kind`: tree → checked accounts. What may be a secret by mistake is never shown.

use super::account::{
    AccessKeyId, Account, AwsSigV4, ClientAuth, GcpServiceAccount, GithubApp, Grant, HttpsUrl, OAuth2,
};
use super::check_credentials::{hosts, missing, need};
use super::field::Field;
use super::reader::Section;
use super::values::{self, Wrong, wrong};
use super::{Credential, Slot};
use crate::base::glob::{Glob, HostPattern};
use crate::base::host::Host;
use std::sync::Arc;

/// The words of `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Static,
    OAuth2,
    AwsSigV4,
    GithubApp,
    GcpServiceAccount,
}

pub(super) const KINDS: &[(&str, Kind)] = &[
    ("static", Kind::Static),
    ("oauth2", Kind::OAuth2),
    ("aws_sigv4", Kind::AwsSigV4),
    ("github_app", Kind::GithubApp),
    ("gcp_service_account", Kind::GcpServiceAccount),
];
pub(super) const GRANTS: &[(&str, Grant)] = &[
    ("refresh_token", Grant::RefreshToken),
    ("client_credentials", Grant::ClientCredentials),
    ("jwt_bearer", Grant::JwtBearer),
];
pub(super) const AUTHS: &[(&str, ClientAuth)] = &[("basic", ClientAuth::Basic), ("post", ClientAuth::Post)];

/// One entry with a kind, as the row that a binding is made of.
pub(super) fn read(mut s: Section<'_>, kind: Kind) -> Option<Credential> {
    let read = match kind {
        Kind::OAuth2 => oauth2(&mut s).map(|a| (Account::OAuth2(a), None)),
        Kind::AwsSigV4 => aws(&mut s).map(|a| (Account::AwsSigV4(a), None)),
        Kind::GithubApp => github(&mut s).map(|a| {
            let own =
                (HostPattern::Exact(a.api.to.host.clone()), (a.api.to.port != 443).then_some(a.api.to.port));
            (Account::GithubApp(a), Some(vec![own]))
        }),
        Kind::GcpServiceAccount => gcp(&mut s).map(|a| (Account::GcpServiceAccount(a), None)),
        Kind::Static => None,
    };
    let own = read.as_ref().and_then(|(_, own)| own.clone());
    let hosts = hosts(&mut s, own);
    let methods = s.list("methods", |f| values::method(f.text()?)).unwrap_or_default();
    let paths = s.list("paths", |f| values::path_glob(f.text()?)).unwrap_or_default();
    s.finish();
    let (account, _) = read?;
    let slot = match account {
        Account::AwsSigV4(_) => Slot::Header { name: "authorization".into(), scheme: None },
        _ => Slot::Header { name: "authorization".into(), scheme: Some("Bearer".into()) },
    };
    let secret = account.entry().to_owned();
    Some(Credential { secret, hosts: hosts?, slot, methods, paths, account: Some(Arc::new(account)) })
}

fn oauth2(s: &mut Section<'_>) -> Option<OAuth2> {
    let grant = need(s, "grant", |f| f.choice(GRANTS));
    let token_url = need(s, "token_url", url);
    let client_id = need(s, "client_id", plain);
    let client_secret = s.read_as("client_secret", false, entry);
    let secret = s.read_as("secret", false, entry);
    let scopes = s.list("scopes", plain).unwrap_or_default();
    let audience = s.read_as("audience", true, plain);
    let subject = s.read_as("subject", true, plain);
    let key_id = s.read_as("key_id", true, plain);
    let auth = s.read("auth", ClientAuth::Basic, |f| f.choice(AUTHS));
    let grant = grant?;
    let lacks = match grant {
        Grant::ClientCredentials => client_secret.is_none().then_some("client_secret"),
        Grant::RefreshToken | Grant::JwtBearer => secret.is_none().then_some("secret"),
    };
    if let Some(key) = lacks {
        missing(s, key, "this grant needs it: the name of a vault entry");
        return None;
    }
    if grant == Grant::ClientCredentials && secret.is_some() {
        let what = "has a `secret`, which a grant of client credentials does not use".into();
        s.problem(Wrong { what, instead: "name the entry under `client_secret` alone".into() });
        return None;
    }
    let (token_url, client_id) = (token_url?, client_id?);
    Some(OAuth2 {
        grant,
        token_url,
        client_id,
        client_secret,
        secret,
        scopes,
        audience,
        subject,
        key_id,
        auth,
    })
}

fn aws(s: &mut Section<'_>) -> Option<AwsSigV4> {
    let literal = s.read_as("access_key_id", false, |f| access_key(f.text()?));
    let named = s.read_as("access_key_id_secret", false, entry);
    let secret = need(s, "secret", entry);
    let session_token = s.read_as("session_token", false, entry);
    let regions = some(s, "regions", "name the regions: [us-east-1], or [\"*\"] for all");
    let services = some(s, "services", "name the services: [s3, dynamodb], or [\"*\"] for all");
    let access_key_id = match (literal, named) {
        (Some(id), None) => Some(AccessKeyId::Literal(id)),
        (None, Some(entry)) => Some(AccessKeyId::Entry(entry)),
        (Some(_), Some(_)) => {
            let what = "has both `access_key_id` and `access_key_id_secret`".into();
            s.problem(Wrong { what, instead: "keep one of them".into() });
            None
        }
        (None, None) => {
            missing(
                s,
                "access_key_id",
                "write the id itself, or `access_key_id_secret:` with the entry that holds it",
            );
            None
        }
    };
    Some(AwsSigV4 {
        access_key_id: access_key_id?,
        secret: secret?,
        session_token,
        regions: regions?,
        services: services?,
    })
}

fn github(s: &mut Section<'_>) -> Option<GithubApp> {
    let app_id = need(s, "app_id", number_or_text);
    let installation_id = need(s, "installation_id", number_or_text);
    let secret = need(s, "secret", entry);
    let public = HttpsUrl::parse("https://api.github.com");
    let api = s.read_as("api", true, url).or(public)?;
    let given = s.list("git_hosts", |f| values::host_port(f.text()?, false));
    let git_hosts = given.unwrap_or_else(|| {
        let own = match api.to.host.name() {
            Some("api.github.com") => Host::parse("github.com").ok(),
            _ => Some(api.to.host.clone()),
        };
        // an Enterprise Server has both under one name, told apart by path
        own.filter(|h| *h != api.to.host).map(|h| (HostPattern::Exact(h), None)).into_iter().collect()
    });
    let api = HttpsUrl { path: api.path.trim_end_matches('/').to_owned(), ..api };
    Some(GithubApp { app_id: app_id?, installation_id: installation_id?, secret: secret?, api, git_hosts })
}

fn gcp(s: &mut Section<'_>) -> Option<GcpServiceAccount> {
    let secret = need(s, "secret", entry);
    let scopes =
        some_of(s, "scopes", plain, "name at least one: https://www.googleapis.com/auth/cloud-platform");
    let subject = s.read_as("subject", true, plain);
    let token_hosts = s.list("token_hosts", |f| values::host(f.text()?, false));
    let token_hosts =
        token_hosts.unwrap_or_else(|| HostPattern::parse("*.googleapis.com").into_iter().collect());
    Some(GcpServiceAccount { secret: secret?, scopes: scopes?, subject, token_hosts })
}

/// A list of globs that must not be empty: what nothing restricts would be signed for anywhere.
fn some(s: &mut Section<'_>, key: &str, instead: &str) -> Option<Vec<Glob>> {
    some_of(s, key, |f| plain(f).map(|t| Glob::new(&t)), instead)
}

fn some_of<T>(
    s: &mut Section<'_>,
    key: &str,
    parse: impl Fn(&Field) -> Result<T, Wrong>,
    instead: &str,
) -> Option<Vec<T>> {
    match s.list(key, parse) {
        Some(list) if !list.is_empty() => Some(list),
        _ => {
            missing(s, key, instead);
            None
        }
    }
}

fn entry(f: &Field) -> Result<String, Wrong> {
    values::secret_name(f.text()?)
}

fn url(f: &Field) -> Result<HttpsUrl, Wrong> {
    match HttpsUrl::parse(f.text()?) {
        Some(url) => Ok(url),
        None => wrong(
            "is not a plain https URL (without user, query and fragment)",
            "write https://HOST[:PORT]/PATH; a credential is never sent in clear",
        ),
    }
}

/// Text that stands in a form, a header or a claim.
fn plain(f: &Field) -> Result<String, Wrong> {
    let text = f.text()?;
    if !text.is_empty() && text.len() <= 1024 && text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        Ok(text.to_owned())
    } else {
        wrong("is not 1 to 1024 printable characters", "write it as its issuer gives it")
    }
}

fn number_or_text(f: &Field) -> Result<String, Wrong> {
    let text = f.written();
    if !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.') {
        Ok(text)
    } else {
        wrong("is not an id", "write the number that GitHub shows")
    }
}

fn access_key(text: &str) -> Result<String, Wrong> {
    if (16..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    {
        Ok(text.to_owned())
    } else {
        wrong(
            "is not an access key id (it is not shown, in case it is the secret itself)",
            "write the id, AKIA… or ASIA…; for a vault entry that holds it: access_key_id_secret",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Problems};
    use std::path::Path;

    fn read(text: &str) -> Result<Config, Problems> {
        Config::from_text(text, Path::new("/etc/katana/config.yaml"), [])
    }

    const ALL: &str = r#"
credentials:
  - {kind: oauth2, grant: refresh_token, token_url: "https://auth.example/token", client_id: me, client_secret: C,
     secret: R, scopes: [a, b], audience: x, auth: post, hosts: ["api.example"], methods: [get], paths: [/v1/**]}
  - {kind: oauth2, grant: client_credentials, token_url: "https://auth.example:8443/t", client_id: me, client_secret: C, hosts: [a.example]}
  - {kind: oauth2, grant: jwt_bearer, token_url: "https://auth.example/t", client_id: me, secret: K, subject: s, key_id: "1", hosts: [b.example]}
  - {kind: aws_sigv4, access_key_id: AKIAIOSFODNN7EXAMPLE, secret: S, session_token: T, regions: [us-*], services: [s3], hosts: ["*.amazonaws.com"]}
  - {kind: aws_sigv4, access_key_id_secret: ID, secret: S, regions: ["*"], services: ["*"], hosts: [c.example]}
  - {kind: github_app, app_id: 12, installation_id: 34, secret: PEM}
  - {kind: github_app, app_id: Iv1.ab, installation_id: 34, secret: PEM, api: "https://ghe.example/api/v3/", git_hosts: [git.example]}
  - {kind: gcp_service_account, secret: DOC, scopes: ["https://www.googleapis.com/auth/cloud-platform"], hosts: [storage.googleapis.com]}
"#;

    #[test]
    fn every_kind_is_read_shown_and_read_again() {
        let first = read(ALL).unwrap();
        assert_eq!(first.credentials.len(), 8);
        let again = read(&first.to_yaml()).unwrap();
        assert_eq!(first.to_json(), again.to_json());
        let of = |i: usize| first.credentials[i].account.as_deref().unwrap();
        assert_eq!((of(0).entry(), of(1).entry(), of(3).entry(), of(4).entry()), ("R", "C", "S", "ID"));
        let Account::GithubApp(app) = of(5) else { panic!("{:?}", of(5)) };
        assert_eq!((app.api.to_string().as_str(), app.app_id.as_str()), ("https://api.github.com", "12"));
        assert_eq!(first.to_json()["credentials"][5]["hosts"], serde_json::json!(["api.github.com"]));
        assert_eq!(first.to_json()["credentials"][5]["git_hosts"], serde_json::json!(["github.com"]));
        assert_eq!(first.to_json()["credentials"][6]["api"], "https://ghe.example/api/v3");
    }

    #[test]
    fn what_is_missing_or_does_nothing_is_refused() {
        for (text, part) in [
            ("kind: oauth, secret: A, hosts: [a.example]", "did you mean `oauth2`"),
            (
                "kind: oauth2, grant: refresh_token, token_url: 'https://a.example/t', client_id: c, hosts: [a.example]",
                "lacks `secret`",
            ),
            (
                "kind: oauth2, grant: client_credentials, token_url: 'https://a.example/t', client_id: c, hosts: [a.example]",
                "lacks `client_secret`",
            ),
            (
                "kind: oauth2, grant: client_credentials, token_url: 'https://a.example/t', client_id: c, client_secret: S, secret: R, hosts: [a.example]",
                "does not use",
            ),
            (
                "kind: oauth2, grant: refresh_token, token_url: 'http://a.example/t', client_id: c, secret: R, hosts: [a.example]",
                "plain https URL",
            ),
            (
                "kind: aws_sigv4, secret: S, regions: [a], services: [b], hosts: [a.example]",
                "lacks `access_key_id`",
            ),
            (
                "kind: aws_sigv4, access_key_id: AKIAIOSFODNN7EXAMPLE, secret: S, services: [b], hosts: [a.example]",
                "lacks `regions`",
            ),
            (
                "kind: aws_sigv4, access_key_id: AKIAIOSFODNN7EXAMPLE, secret: S, regions: [b], services: [], hosts: [a.example]",
                "lacks `services`",
            ),
            (
                "kind: aws_sigv4, access_key_id: AKIAIOSFODNN7EXAMPLE, secret: S, regions: [b], services: [s3]",
                "lacks `hosts`",
            ),
            ("kind: github_app, app_id: 1, secret: S", "lacks `installation_id`"),
            ("kind: gcp_service_account, secret: S, hosts: [a.example]", "lacks `scopes`"),
            (
                "kind: gcp_service_account, secret: S, scopes: [x], hosts: [a.example], slot: 'query:k'",
                "is not a key",
            ),
        ] {
            let said = read(&format!("credentials: [{{{text}}}]")).map(|c| c.to_yaml()).expect_err(text);
            assert!(said.to_string().contains(part), "{text}\n{said}");
        }
    }

    #[test]
    fn a_secret_in_the_wrong_place_is_not_shown() {
        let text = "credentials: [{kind: aws_sigv4, access_key_id: 'wJalrXUtnFEMI/K7MDENG', secret: 'hunter2/x', regions: [a], services: [b], hosts: [a.example]}]";
        let said = read(text).unwrap_err().to_string();
        assert!(!said.contains("wJalr") && !said.contains("hunter2"), "{said}");
    }
}
