//! AWS Signature Version 4: reads who signed for what, and signs anew with the real key. Pure text and bytes; what is a
//! header here is whatever the caller says is one.

pub mod scope;
pub mod chunked;
mod canonical;
mod sign;

pub use scope::{Place, Reading, Scope, Signed, read};
pub use sign::{Key, Payload, Seed, Unsignable, sign};

/// A request, as far as a signature covers it.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// As it is sent.
    pub method: &'a str,
    /// As it is sent, without the query.
    pub path: &'a str,
    /// As it is sent, without `?`; empty if there is none.
    pub query: &'a str,
    /// Names in lower case, values as they are sent; several lines of one name in their order.
    pub headers: Vec<(String, String)>,
}

impl Request<'_> {
    /// The one value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.trim())
    }
}

/// `x-amz-content-sha256` of a body that is not covered.
pub const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// Lower-case hex of a SHA-256.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    use sha2::Digest;
    data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(bytes))
}

#[cfg(test)]
mod tests;
