//! What a request's signature says of itself: who signs, for which day, region and service, which headers, and how the
//! body is covered. Read from the `Authorization` header or from a presigned URL's query.

use super::Request;
use percent_encoding::percent_decode_str;

/// The one algorithm that a secret access key signs with.
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// `ID/20130524/us-east-1/s3/aws4_request`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Who signs.
    pub key_id: String,
    /// `YYYYMMDD`.
    pub date: String,
    /// The region.
    pub region: String,
    /// The service.
    pub service: String,
}

/// Where the signature stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the `Authorization` header.
    Header,
    /// In the query of a presigned URL.
    Query,
}

/// A signature as it was sent; what it signs with is not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Where.
    pub place: Place,
    /// For what.
    pub scope: Scope,
    /// Names of the headers it covers, lower case, in order.
    pub headers: Vec<String>,
}

/// How a signature is read: not there, there, or there and not to be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The request is not signed in this way.
    Unsigned,
    /// It is.
    Signed(Signed),
    /// Something calls itself a signature of AWS's and cannot be read.
    Unclear,
}

/// Reads a request's signature.
#[must_use]
pub fn read(request: &Request<'_>) -> Reading {
    let mut headers = request.headers.iter().filter(|(n, _)| n == "authorization").map(|(_, v)| v.trim());
    let header = headers.next().filter(|v| v.starts_with("AWS4-"));
    let query = parameter(request.query, "X-Amz-Algorithm");
    match (header, query) {
        (None, None) => Reading::Unsigned,
        (Some(value), None) if headers.next().is_none() => signed(from_header(value)),
        (None, Some(algorithm)) => signed(from_query(&algorithm, request.query)),
        // signed twice: which of the two would count is anybody's guess
        _ => Reading::Unclear,
    }
}

fn signed(read: Option<Signed>) -> Reading {
    read.map_or(Reading::Unclear, Reading::Signed)
}

fn from_header(value: &str) -> Option<Signed> {
    let fields = value.strip_prefix(ALGORITHM)?.strip_prefix(' ')?;
    let (mut credential, mut headers, mut signature) = (None, None, None);
    for field in fields.split(',') {
        let (name, value) = field.trim().split_once('=')?;
        let slot = match name {
            "Credential" => &mut credential,
            "SignedHeaders" => &mut headers,
            "Signature" => &mut signature,
            _ => return None,
        };
        if slot.replace(value).is_some() {
            return None;
        }
    }
    signature?;
    Some(Signed { place: Place::Header, scope: Scope::parse(credential?)?, headers: names(headers?)? })
}

fn from_query(algorithm: &str, query: &str) -> Option<Signed> {
    (algorithm == ALGORITHM).then_some(())?;
    parameter(query, "X-Amz-Signature")?;
    parameter(query, "X-Amz-Date")?;
    let scope = Scope::parse(&parameter(query, "X-Amz-Credential")?)?;
    let headers = names(&parameter(query, "X-Amz-SignedHeaders")?)?;
    Some(Signed { place: Place::Query, scope, headers })
}

fn names(list: &str) -> Option<Vec<String>> {
    let names: Vec<String> = list.split(';').map(str::to_ascii_lowercase).collect();
    let plain =
        |n: &String| !n.is_empty() && n.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    (names.iter().all(plain) && names.iter().any(|n| n == "host")).then_some(names)
}

/// The decoded value of the one parameter of this name; none if it is there twice.
pub(super) fn parameter(query: &str, name: &str) -> Option<String> {
    let mut found = query.split('&').filter_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        percent_decode_str(key).eq(name.bytes()).then_some(value)
    });
    let value = percent_decode_str(found.next()?).decode_utf8().ok()?.into_owned();
    found.next().is_none().then_some(value)
}

impl Scope {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.rsplitn(5, '/');
        (parts.next()? == "aws4_request").then_some(())?;
        let (service, region, date, key_id) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let plain =
            |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let day = date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit());
        (day && plain(service) && plain(region) && !key_id.is_empty()).then(|| Self {
            key_id: key_id.to_owned(),
            date: date.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
        })
    }

    /// All of it but who signs.
    #[must_use]
    pub fn without_key(&self) -> String {
        format!("{}/{}/{}/aws4_request", self.date, self.region, self.service)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(value: &str) -> Reading {
        let headers = vec![("authorization".to_owned(), value.to_owned())];
        read(&Request { method: "GET", path: "/", query: "", headers })
    }

    #[test]
    fn headers_and_queries_are_read_and_nothing_is_guessed() {
        let good = "AWS4-HMAC-SHA256 Credential=katana_a-b/20130524/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-date,Signature=00";
        let Reading::Signed(signed) = header(good) else { panic!("{:?}", header(good)) };
        assert_eq!((signed.scope.key_id.as_str(), signed.scope.service.as_str()), ("katana_a-b", "s3"));
        assert_eq!(signed.scope.without_key(), "20130524/us-east-1/s3/aws4_request");
        assert_eq!(signed.headers, ["host", "x-amz-date"]);
        assert_eq!(header("Bearer x"), Reading::Unsigned);
        for bad in [
            good.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
            good.replace("aws4_request", "aws4"),
            good.replace("20130524", "2013052"),
            good.replace("host;", ""),
            good.replace(",Signature=00", ""),
            good.replace("Signature=00", "Signature=00,Signature=01"),
            good.replace("Signature=00", "Signature=00,Other=01"),
            good.replace("us-east-1", "us east"),
        ] {
            assert_eq!(header(&bad), Reading::Unclear, "{bad}");
        }
        let query = "a=b&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=id%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
                     &X-Amz-Date=20130524T000000Z&X-Amz-Expires=1&X-Amz-SignedHeaders=host&X-Amz-Signature=00";
        let of = |query: &str, headers| read(&Request { method: "GET", path: "/", query, headers });
        let Reading::Signed(signed) = of(query, Vec::new()) else { panic!() };
        assert_eq!((signed.place, signed.scope.key_id.as_str()), (Place::Query, "id"));
        let both = vec![("authorization".to_owned(), good.to_owned())];
        assert_eq!(of(query, both), Reading::Unclear, "signed twice");
        assert_eq!(of(&format!("{query}&X-Amz-Credential=x"), Vec::new()), Reading::Unclear);
    }
}
