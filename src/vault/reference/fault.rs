//! Why a backend gave no value. No variant carries one.

/// Why a backend gave no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nobody has asked it yet.
    #[error("it has not been asked yet")]
    Pending,
    /// The text is no reference.
    #[error("the reference {0}")]
    Reference(&'static str),
    /// A variable, a file, a credential, an item or a field that is not there.
    #[error("{0} is not there")]
    Missing(String),
    /// A file that is not private, or a backend that says no.
    #[error("{0}")]
    Denied(String),
    /// A program that could not be started, or ended badly.
    #[error("{0}")]
    Failed(String),
    /// No answer in time.
    #[error("no answer within {0} s")]
    TimedOut(u64),
    /// A server that cannot be reached, or answers what it should not.
    #[error("{0}")]
    Unreachable(String),
    /// Something the backend needs is not said.
    #[error("{0}")]
    Unset(String),
    /// An answer that is no value.
    #[error("what it gave {0}")]
    Value(&'static str),
}

impl Fault {
    /// The stable short name.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Pending => "reference_pending",
            Self::Reference(_) => "reference_invalid",
            Self::Missing(_) => "reference_missing",
            Self::Denied(_) => "reference_denied",
            Self::Failed(_) => "reference_failed",
            Self::TimedOut(_) => "reference_timed_out",
            Self::Unreachable(_) => "reference_unreachable",
            Self::Unset(_) => "reference_unset",
            Self::Value(_) => "reference_value",
        }
    }

    /// What a person does about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Pending => "try again in a moment",
            Self::Reference(_) => "set it anew with `katana vault set KEY --from …`",
            Self::Missing(_) => "put it there, or set another reference",
            Self::Denied(_) => "give katana's user the right to read it, and nobody else",
            Self::Failed(_) => {
                "run the command yourself as katana's user, with an empty environment (env -i)"
            }
            Self::TimedOut(_) => "see why it takes so long, or raise vault.reference_timeout",
            Self::Unreachable(_) => "look at its address, its certificate and the network",
            Self::Unset(_) => "set it in the environment katana is started with",
            Self::Value(_) => "look at what the backend gives; it must be one value of at most 64 KiB",
        }
    }
}
