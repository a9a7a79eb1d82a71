//! What a credential is when it is no plain value: an account somewhere that hands out tokens, or a key that signs requests.
//! Every secret is named by its vault entry; the values never come through here.

use crate::base::glob::{Glob, HostPattern};
use crate::base::host::Authority;
use std::fmt;

/// A credential that is not a plain value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Account {
    /// `oauth2`: an access token from a token endpoint.
    OAuth2(OAuth2),
    /// `aws_sigv4`: requests are signed.
    AwsSigV4(AwsSigV4),
    /// `github_app`: an installation's token.
    GithubApp(GithubApp),
    /// `gcp_service_account`: a token for the account of a key file.
    GcpServiceAccount(GcpServiceAccount),
}

/// How an OAuth 2.0 client proves that it may have a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Grant {
    /// RFC 6749 §6.
    RefreshToken,
    /// RFC 6749 §4.4.
    ClientCredentials,
    /// RFC 7523: an assertion, signed with RS256.
    JwtBearer,
}

/// Where the client's own name and secret stand in a token call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientAuth {
    /// In the `Authorization` header.
    Basic,
    /// In the form.
    Post,
}

/// `kind: oauth2`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OAuth2 {
    /// How it is asked for.
    pub grant: Grant,
    /// Where.
    pub token_url: HttpsUrl,
    /// Who asks.
    pub client_id: String,
    /// The entry of the client's secret.
    pub client_secret: Option<String>,
    /// The entry of the refresh token, or of the private key of a JWT grant. A grant of client credentials has none.
    pub secret: Option<String>,
    /// What for; empty: as the endpoint thinks fit.
    pub scopes: Vec<String>,
    /// Whom the token is for, where the endpoint wants to know.
    pub audience: Option<String>,
    /// `sub` of a JWT; none: the client.
    pub subject: Option<String>,
    /// `kid` of a JWT.
    pub key_id: Option<String>,
    /// Where name and secret stand.
    pub auth: ClientAuth,
}

/// Who signs: an identifier is no secret, and may be kept as one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AccessKeyId {
    /// As it is.
    Literal(String),
    /// A vault entry.
    Entry(String),
}

/// `kind: aws_sigv4`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AwsSigV4 {
    /// Who signs.
    pub access_key_id: AccessKeyId,
    /// The entry of the secret access key.
    pub secret: String,
    /// The entry of a session token.
    pub session_token: Option<String>,
    /// Regions that requests may be signed for.
    pub regions: Vec<Glob>,
    /// Services that requests may be signed for.
    pub services: Vec<Glob>,
}

/// `kind: github_app`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GithubApp {
    /// The app's number, or its client id.
    pub app_id: String,
    /// The installation's number.
    pub installation_id: String,
    /// The entry of the app's private key.
    pub secret: String,
    /// The API; its path is empty, or `/api/v3` of an Enterprise Server.
    pub api: HttpsUrl,
    /// Hosts of git over HTTPS, which want the token as a password.
    pub git_hosts: Vec<(HostPattern, Option<u16>)>,
}

/// `kind: gcp_service_account`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GcpServiceAccount {
    /// The entry of the key file: a JSON document.
    pub secret: String,
    /// What for.
    pub scopes: Vec<String>,
    /// On whose behalf, where the account may act for others.
    pub subject: Option<String>,
    /// Hosts that the key file may name as its token endpoint.
    pub token_hosts: Vec<HostPattern>,
}

/// An `https` URL without user, query and fragment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HttpsUrl {
    /// Host and port.
    pub to: Authority,
    /// Begins with `/`, or is empty.
    pub path: String,
}

impl HttpsUrl {
    /// Reads one; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("https://")?;
        let (to, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let plain = path.bytes().all(|b| b.is_ascii_graphic() && !b"?#\\\"<>".contains(&b));
        let to = Authority::parse(to, Some(443)).ok()?;
        plain.then(|| Self { to, path: path.to_owned() })
    }
}

impl fmt::Display for HttpsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.to.port == 443 {
            write!(f, "https://{}{}", self.to.host, self.path)
        } else {
            write!(f, "https://{}{}", self.to, self.path)
        }
    }
}

impl Account {
    /// As it stands under `kind`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::OAuth2(_) => "oauth2",
            Self::AwsSigV4(_) => "aws_sigv4",
            Self::GithubApp(_) => "github_app",
            Self::GcpServiceAccount(_) => "gcp_service_account",
        }
    }

    /// The vault entry it goes by: whose placeholder an agent holds in place of the token.
    #[must_use]
    pub fn entry(&self) -> &str {
        match self {
            // one of the two is there: the configuration is checked for it
            Self::OAuth2(o) => o.secret.as_deref().or(o.client_secret.as_deref()).unwrap_or_default(),
            Self::AwsSigV4(a) => match &a.access_key_id {
                AccessKeyId::Entry(entry) => entry,
                AccessKeyId::Literal(_) => &a.secret,
            },
            Self::GithubApp(g) => &g.secret,
            Self::GcpServiceAccount(g) => &g.secret,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_https_is_a_url_here() {
        for text in
            ["https://a.example/token", "https://a.example:8443/x/y", "https://a.example", "https://[::1]:9/"]
        {
            assert_eq!(HttpsUrl::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(HttpsUrl::parse("https://A.example:443/T").unwrap().to_string(), "https://a.example/T");
        for bad in [
            "http://a.example/",
            "a.example",
            "https://u@a.example/",
            "https://a.example/?q",
            "https://a.example/#f",
            "https:///x",
            "https://127.1/",
            "https://a.example/ x",
            "https://a.example?x",
        ] {
            assert!(HttpsUrl::parse(bad).is_none(), "{bad}");
        }
    }
}
