//! The stages, in the order they rule on a request. Order is code, not configuration; a stage is only on or off.

mod ignore_hosts;
mod guard_destination;
mod limit_rate;
mod enforce_policy;
mod answer_token_calls;
mod scan_request;
mod belonging;
mod scrub_secrets;
mod inject_credentials;
mod broker_credentials;
mod scan_response;
mod verdicts;
mod record_audit;
mod encoded;
mod head_text;
mod readings;
mod reflected;
mod claims;
mod desk;

pub use answer_token_calls::AnswerTokenCalls;
pub use broker_credentials::BrokerCredentials;
pub use desk::Desk;
pub use enforce_policy::EnforcePolicy;
pub use guard_destination::{Guard, GuardDestination};
pub use ignore_hosts::IgnoreHosts;
pub use inject_credentials::InjectCredentials;
pub use limit_rate::LimitRate;
pub use record_audit::RecordAudit;
pub use scan_request::ScanRequest;
pub use scan_response::ScanResponse;
pub use scrub_secrets::ScrubSecrets;

use super::exchange::Exchange;
use super::stage::{
    BodyNeed, Chunk, ChunkVerdict, Claim, Departure, Direction, Settled, Stage, StageError, Verdict,
};
use super::{Denial, RequestHead, ResponseHead};

/// Declares the closed list of stages and hands each hook to the variant's own.
macro_rules! stages {
    ($($(#[doc = $doc:literal])+ $stage:ident),+ $(,)?) => {
        /// One stage of the list. The declaration's order is the order they run in.
        pub enum AnyStage { $($(#[doc = $doc])+ $stage($stage)),+ }

        impl Stage for AnyStage {
            fn name(&self) -> &'static str {
                match self { $(Self::$stage(s) => s.name()),+ }
            }
            fn always(&self) -> bool {
                match self { $(Self::$stage(s) => s.always()),+ }
            }
            async fn connect(&self, ex: &Exchange) -> Result<Verdict, StageError> {
                match self { $(Self::$stage(s) => s.connect(ex).await),+ }
            }
            async fn request(&self, ex: &Exchange, head: &mut RequestHead) -> Result<Verdict, StageError> {
                match self { $(Self::$stage(s) => s.request(ex, head).await),+ }
            }
            async fn claimed(
                &self, ex: &Exchange, head: &RequestHead, body: &[u8],
            ) -> Result<Claim, StageError> {
                match self { $(Self::$stage(s) => s.claimed(ex, head, body).await),+ }
            }
            fn depart(
                &self, ex: &Exchange, head: &mut RequestHead, body: Settled<'_>,
            ) -> Result<Departure, StageError> {
                match self { $(Self::$stage(s) => s.depart(ex, head, body)),+ }
            }
            async fn response(&self, ex: &Exchange, head: &mut ResponseHead) -> Result<Verdict, StageError> {
                match self { $(Self::$stage(s) => s.response(ex, head).await),+ }
            }
            fn body(&self, ex: &Exchange, direction: Direction) -> BodyNeed {
                match self { $(Self::$stage(s) => s.body(ex, direction)),+ }
            }
            async fn chunk(
                &self, ex: &Exchange, direction: Direction, chunk: &mut Chunk<'_>,
            ) -> Result<ChunkVerdict, StageError> {
                match self { $(Self::$stage(s) => s.chunk(ex, direction, chunk).await),+ }
            }
            async fn trailers(
                &self, ex: &Exchange, direction: Direction, trailers: &mut http::HeaderMap,
            ) -> Result<ChunkVerdict, StageError> {
                match self { $(Self::$stage(s) => s.trailers(ex, direction, trailers).await),+ }
            }
        }
    };
}

stages! {
    /// Hosts that are tunnelled untouched.
    IgnoreHosts,
    /// Names and addresses that may not be reached.
    GuardDestination,
    /// Requests and bytes a second.
    LimitRate,
    /// Policy.
    EnforcePolicy,
    /// Token calls of agents, which katana answers itself.
    AnswerTokenCalls,
    /// Secrets that no vault knows.
    ScanRequest,
    /// Vault values on their way out, and placeholders out of place.
    ScrubSecrets,
    /// Credentials, last before the wire; and their echo, first on the way back.
    InjectCredentials,
    /// Credentials that are obtained or made for each request.
    BrokerCredentials,
    /// Injections on their way in.
    ScanResponse,
    /// The audit must be writable before anything leaves.
    RecordAudit,
}

/// A switch of the configuration that some hosts turn the other way.
fn switched(scan: &crate::config::BodyScan, host: &crate::base::host::Host) -> bool {
    scan.hosts.iter().find(|(p, _)| p.matches(host)).map_or(scan.default, |(_, on)| *on)
}

fn refuse(denial: Denial) -> Result<Verdict, StageError> {
    Ok(Verdict::Refuse(denial))
}
