//! `Denial`: a ruling against an exchange, in the words the agent and the audit get. Never carries a secret.

use std::borrow::Cow;

/// Why an exchange was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The HTTP status it is answered with.
    pub status: u16,
    /// Stable short name.
    pub code: &'static str,
    /// The stage or part that ruled.
    pub stage: &'static str,
    /// The rule that decided, by name.
    pub rule: Cow<'static, str>,
    /// One sentence for the agent.
    pub message: Cow<'static, str>,
    /// What the agent or its operator can do.
    pub remedy: Cow<'static, str>,
}

impl Denial {
    /// A refusal by rule (403).
    #[must_use]
    pub fn forbidden(
        stage: &'static str,
        code: &'static str,
        rule: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { status: 403, code, stage, rule: rule.into(), message: message.into(), remedy: remedy.into() }
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// Something that had to be evaluated could not be (503).
    #[must_use]
    pub fn unevaluated(
        stage: &'static str,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status: 503,
            code,
            stage,
            rule: Cow::Borrowed("fail_closed"),
            message: message.into(),
            remedy: Cow::Borrowed(
                "Nothing was sent. The operator finds the cause in katana's log; retry later.",
            ),
        }
    }

    /// Something went wrong on the way to or from upstream (502).
    #[must_use]
    pub fn upstream(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status: 502,
            code,
            stage: "upstream",
            rule: Cow::Borrowed("upstream"),
            message: message.into(),
            remedy: Cow::Borrowed(
                "The destination did not answer as it should; check its name and certificate, or retry.",
            ),
        }
    }
}
