//! `Slot`: the place of a credential in a request, as configuration, providers and `vault set` write it, there and back.

use std::fmt;
use std::str::FromStr;

/// The place of a credential in a request. Written as in each variant's first line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slot {
    /// `header:NAME[:SCHEME]`: the header's value is `SCHEME value`, or `value` alone; `SCHEMEvalue` where the scheme ends in
    /// `=`, as in `Token token=`.
    Header {
        /// Lower case.
        name: String,
        /// `Bearer`, `token`, …
        scheme: Option<String>,
    },
    /// `basic:USER`: `Authorization: Basic base64(USER:value)`; the agent's own user name is kept where it sends one.
    Basic {
        /// The user name when the agent sends none.
        user: String,
    },
    /// `basic-user:PASSWORD`: `Authorization: Basic base64(value:PASSWORD)`; the agent's own password is kept where it
    /// sends one.
    BasicUser {
        /// The password when the agent sends none; mostly empty.
        password: String,
    },
    /// `query:NAME`: a query parameter.
    Query {
        /// The parameter's name, as it stands in the URL.
        name: String,
    },
    /// `cookie:NAME`: one cookie.
    Cookie {
        /// The cookie's name, case kept.
        name: String,
    },
    /// `form:NAME`: a field of a form (`application/x-www-form-urlencoded` or `multipart/form-data`).
    Form {
        /// The field's name, decoded.
        name: String,
    },
    /// `json:/a/b`: a string in a JSON body.
    Json {
        /// A JSON pointer (RFC 6901) to it.
        pointer: String,
    },
    /// `path:/bot{}/**`: within a segment of the path.
    Path {
        /// Segments: text, `*` for any one, `**` at the end for any number; `{}` stands for the value, once.
        template: String,
    },
}

impl Slot {
    /// Does it stand in the body, and not in the head?
    #[must_use]
    pub fn is_in_body(&self) -> bool {
        matches!(self, Self::Form { .. } | Self::Json { .. })
    }

    /// Can it be made where it is not? A path and a body are the agent's to write; there only a placeholder is replaced.
    #[must_use]
    pub fn can_be_made(&self) -> bool {
        !self.is_in_body() && !matches!(self, Self::Path { .. })
    }
}

/// Why a text is no slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SlotError {
    /// No kind of slot, or nothing behind its colon.
    #[error("is not a slot")]
    Unknown,
    /// HTTP does not allow it.
    #[error("has a header name or scheme that HTTP does not allow")]
    Header,
    /// It frames the message.
    #[error("names a header that is never an end-to-end credential")]
    Framing,
    /// Not a cookie's name.
    #[error("has a cookie name that HTTP does not allow")]
    Cookie,
    /// No pointer.
    #[error("is not a JSON pointer to a value inside a document")]
    Pointer,
    /// No template.
    #[error("is not a path with one `{{}}` in one of its segments")]
    Template,
}

impl SlotError {
    /// What to write instead.
    #[must_use]
    pub fn instead(self) -> &'static str {
        match self {
            Self::Pointer => "write json:/KEY or json:/KEY/KEY, `~1` for a `/` in a key, `~0` for a `~`",
            Self::Template => {
                "write path:/bot{}/** or path:/hooks/*/{}: `*` is one segment, `**` at the end the rest"
            }
            Self::Unknown | Self::Header | Self::Framing | Self::Cookie => {
                "write header:NAME, header:NAME:SCHEME, basic:USER, basic-user:PASSWORD, query:NAME, cookie:NAME, \
                 form:NAME, json:/POINTER or path:/TEMPLATE/{}"
            }
        }
    }
}

impl FromStr for Slot {
    type Err = SlotError;

    fn from_str(text: &str) -> Result<Self, SlotError> {
        let (kind, rest) = text.split_once(':').ok_or(SlotError::Unknown)?;
        let owned = || rest.to_owned();
        let plain = |more: &[u8]| rest.bytes().all(|b| (0x20..0x7f).contains(&b) && !more.contains(&b));
        match kind {
            "header" => header(rest),
            "basic" if plain(b":") => Ok(Self::Basic { user: owned() }),
            "basic-user" if plain(b"") => Ok(Self::BasicUser { password: owned() }),
            "query" if !rest.is_empty() && plain(b" &=#?+") => Ok(Self::Query { name: owned() }),
            "cookie" if token(rest) => Ok(Self::Cookie { name: owned() }),
            "cookie" => Err(SlotError::Cookie),
            "form" if !rest.is_empty() && plain(b"\"") => Ok(Self::Form { name: owned() }),
            "json" if is_pointer(rest) => Ok(Self::Json { pointer: owned() }),
            "json" => Err(SlotError::Pointer),
            "path" if is_template(rest) => Ok(Self::Path { template: owned() }),
            "path" => Err(SlotError::Template),
            _ => Err(SlotError::Unknown),
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header { name, scheme: None } => write!(f, "header:{name}"),
            Self::Header { name, scheme: Some(s) } => write!(f, "header:{name}:{s}"),
            Self::Basic { user } => write!(f, "basic:{user}"),
            Self::BasicUser { password } => write!(f, "basic-user:{password}"),
            Self::Query { name } => write!(f, "query:{name}"),
            Self::Cookie { name } => write!(f, "cookie:{name}"),
            Self::Form { name } => write!(f, "form:{name}"),
            Self::Json { pointer } => write!(f, "json:{pointer}"),
            Self::Path { template } => write!(f, "path:{template}"),
        }
    }
}

fn header(rest: &str) -> Result<Slot, SlotError> {
    let (name, scheme) = match rest.split_once(':') {
        Some((n, s)) => (n, Some(s)),
        None => (rest, None),
    };
    if !token(name) || !scheme.is_none_or(is_scheme) {
        return Err(SlotError::Header);
    }
    let name = name.to_ascii_lowercase();
    if FRAMING.contains(&name.as_str()) || name.starts_with("proxy-") {
        return Err(SlotError::Framing);
    }
    Ok(Slot::Header { name, scheme: scheme.map(str::to_owned) })
}

/// Headers that say how a message travels, not who sends it.
const FRAMING: &[&str] = &[
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

/// `1*tchar` of RFC 9110.
pub(super) fn token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// One or more words; a `=` at the end says that the value follows without a space, as in `Token token=`.
fn is_scheme(text: &str) -> bool {
    text.strip_suffix('=').unwrap_or(text).split(' ').all(token)
}

fn is_pointer(text: &str) -> bool {
    let escaped = |(at, _): (usize, &str)| matches!(text.as_bytes().get(at + 1), Some(b'0' | b'1'));
    text.starts_with('/') && !text.contains(char::is_control) && text.match_indices('~').all(escaped)
}

fn is_template(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('/') else { return false };
    let segments: Vec<&str> = rest.split('/').collect();
    let literal = |s: &str| s.bytes().all(|b| b.is_ascii_graphic() && !b"*{}?#".contains(&b));
    let is_value = |s: &&str| s.split_once("{}").is_some_and(|(a, b)| literal(a) && literal(b));
    let fits = |(at, s): (usize, &&str)| match *s {
        "*" => true,
        "**" => at + 1 == segments.len(),
        s => literal(s) || is_value(&s),
    };
    segments.iter().filter(|s| is_value(s)).count() == 1 && segments.iter().enumerate().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for text in [
            "header:authorization:Bearer",
            "header:x-api-key",
            "header:authorization:Token token=",
            "basic:x-access-token",
            "basic:",
            "basic-user:",
            "basic-user:x:y",
            "query:key",
            "cookie:Session_Id",
            "form:auth[token]",
            "form:a b",
            "json:/auth/api_key",
            "json:/a~1b/0/~0",
            "path:/bot{}/**",
            "path:/services/*/*/{}",
            "path:/a/x{}y",
        ] {
            assert_eq!(text.parse::<Slot>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_none() {
        for bad in [
            "",
            "header:",
            "header:a b",
            "header:host",
            "header:Proxy-Authorization",
            "header:x:",
            "header:x:=",
            "header:x:a=b",
            "header:x:a  b",
            "basic",
            "basic:a:b",
            "basic-user",
            "basic-user:\n",
            "query:",
            "query:a=b",
            "cookie:",
            "cookie:a;b",
            "cookie:a=b",
            "form:",
            "form:\"",
            "json:",
            "json:a",
            "json:/~2",
            "json:/a~",
            "path:",
            "path:/",
            "path:/a",
            "path:{}",
            "path:/{}/{}",
            "path:/{}{}",
            "path:/**/{}",
            "path:/a*/{}",
            "path:/{}?a",
            "body:x",
        ] {
            assert!(bad.parse::<Slot>().is_err(), "{bad}");
        }
    }
}
