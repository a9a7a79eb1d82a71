//! Why there is no token, or no signature. No text here holds a secret, and nothing of an answer but its error code.

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A credential names an entry that the vault does not have.
    #[error("the vault has no entry {0}")]
    NoEntry(String),
    /// The entry is there and may not be used now: expired, or not to be had from where it is kept.
    #[error("the vault entry {0} may not be used now")]
    Barred(String),
    /// The entry does not hold what this kind of credential needs.
    #[error("the vault entry {entry} {what}")]
    Unusable {
        /// Its name.
        entry: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A key file names a token endpoint that is not allowed.
    #[error("the key file in {0} names a token endpoint that token_hosts does not allow")]
    Endpoint(String),
    /// The token endpoint could not be reached; the pipeline's code and words for why.
    #[error("the token endpoint cannot be reached: {why}")]
    Unreachable {
        /// The stable short name of why.
        code: &'static str,
        /// In words.
        why: String,
    },
    /// The token endpoint said no.
    #[error("the token endpoint refused with status {status}{}", error.as_ref().map(|e| format!(" ({e})")).unwrap_or_default())]
    Refused {
        /// The answer's status.
        status: u16,
        /// OAuth's error code: letters, digits, `_` and `-`.
        error: Option<String>,
    },
    /// The token endpoint's answer is none.
    #[error("the token endpoint's answer cannot be used: {0}")]
    Unreadable(&'static str),
    /// The call ended before its answer.
    #[error("the call to the token endpoint was cut short")]
    Interrupted,
    /// Nobody is asked: this is a rehearsal.
    #[error("no token is obtained for a rehearsal")]
    Rehearsal,
}

impl Error {
    /// The stable short name of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoEntry(_) => "credential_missing",
            Self::Barred(_) => "credential_barred",
            Self::Unusable { .. } | Self::Endpoint(_) => "credential_unusable",
            Self::Unreachable { .. } => "token_unreachable",
            Self::Refused { .. } => "token_refused",
            Self::Unreadable(_) => "token_unreadable",
            Self::Interrupted | Self::Rehearsal => "token_interrupted",
        }
    }

    /// Is the other side at fault, rather than what katana was given?
    #[must_use]
    pub fn is_upstream(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Refused { .. } | Self::Unreadable(_))
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NoEntry(_) => "The operator puts it in: katana vault set NAME.",
            Self::Barred(_) => {
                "The operator finds the reason with katana vault list, and sets the entry anew."
            }
            Self::Unusable { .. } => {
                "The operator sets the entry to what the credential's kind needs; docs/credential-kinds.md says what."
            }
            Self::Endpoint(_) => {
                "The operator checks the key file; a private endpoint's host goes under token_hosts."
            }
            Self::Unreachable { .. } => {
                "Retry in some seconds. A private endpoint must be listed under proxy.allow_private_destinations."
            }
            Self::Refused { .. } => {
                "The operator checks the secret, the client and the scopes of this credential; a refresh token may have been revoked."
            }
            Self::Unreadable(_) => "The operator checks that the URL is a token endpoint.",
            Self::Interrupted | Self::Rehearsal => "Retry.",
        }
    }
}
