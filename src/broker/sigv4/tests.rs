//! The worked examples that AWS publishes with the specification.

use super::chunked::{Fault, Resigner};
use super::*;
use crate::base::secret::Secret;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
}

/// Reads the signature that a request says it has, and signs it.
fn seed(mut request: Request<'_>, names: &str, payload: &str) -> Seed {
    let value = format!(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders={names},Signature=0"
    );
    request.headers.push(("authorization".into(), value));
    let Reading::Signed(signed) = read(&request) else { panic!("unsigned") };
    sign(&request, &signed, &Secret::from(SECRET), payload).unwrap()
}

fn s3(
    method: &'static str,
    path: &'static str,
    query: &'static str,
    more: &[(&str, &str)],
) -> Request<'static> {
    let mut all = headers(&[("host", "examplebucket.s3.amazonaws.com"), ("x-amz-date", "20130524T000000Z")]);
    all.extend(headers(more));
    Request { method, path, query, headers: all }
}

#[test]
fn s3_examples_in_the_header() {
    let plain = [("x-amz-content-sha256", EMPTY)];
    let names = "host;x-amz-content-sha256;x-amz-date";
    let get = s3("GET", "/test.txt", "", &[plain[0], ("range", "bytes=0-9")]);
    assert_eq!(
        seed(get, "host;range;x-amz-content-sha256;x-amz-date", EMPTY).signature,
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    );
    assert_eq!(
        seed(s3("GET", "/", "lifecycle", &plain), names, EMPTY).signature,
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
    );
    assert_eq!(
        seed(s3("GET", "/", "max-keys=2&prefix=J", &plain), names, EMPTY).signature,
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
    );
    let hash = sha256_hex(b"Welcome to Amazon S3.");
    let put = Request {
        method: "PUT",
        path: "/test%24file.text",
        query: "",
        headers: headers(&[
            ("date", "Fri, 24 May 2013 00:00:00 GMT"),
            ("host", "examplebucket.s3.amazonaws.com"),
            ("x-amz-content-sha256", &hash),
            ("x-amz-date", "20130524T000000Z"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ]),
    };
    assert_eq!(
        seed(put, "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class", &hash).signature,
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
    );
}

#[test]
fn s3_example_in_the_query() {
    let query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
                 &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=whatever";
    let headers = headers(&[("host", "examplebucket.s3.amazonaws.com")]);
    let request = Request { method: "GET", path: "/test.txt", query, headers };
    let Reading::Signed(signed) = read(&request) else { panic!("unsigned") };
    let seed = sign(&request, &signed, &Secret::from(SECRET), UNSIGNED).unwrap();
    assert_eq!(seed.signature, "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

#[test]
fn iam_example() {
    let request = Request {
        method: "GET",
        path: "/",
        query: "Action=ListUsers&Version=2010-05-08",
        headers: headers(&[
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("host", "iam.amazonaws.com"),
            ("x-amz-date", "20150830T123600Z"),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=0",
            ),
        ]),
    };
    let Reading::Signed(signed) = read(&request) else { panic!("unsigned") };
    let secret = Secret::from("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    let seed = sign(&request, &signed, &secret, EMPTY).unwrap();
    assert_eq!(seed.signature, "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

#[test]
fn a_date_of_another_day_is_not_signed() {
    let mut request = s3("GET", "/", "", &[]);
    request.headers[1].1 = "20130525T000000Z".into();
    let value =
        "AWS4-HMAC-SHA256 Credential=A/20130524/us-east-1/s3/aws4_request,SignedHeaders=host,Signature=0";
    request.headers.push(("authorization".into(), value.into()));
    let Reading::Signed(signed) = read(&request) else { panic!("unsigned") };
    assert_eq!(sign(&request, &signed, &Secret::from(SECRET), EMPTY).err(), Some(Unsignable::Date));
    request.headers[1] = ("date".into(), "Fri, 24 May 2013 00:00:00 GMT".into());
    assert!(sign(&request, &signed, &Secret::from(SECRET), EMPTY).is_ok(), "Date stands in for x-amz-date");
}

const STREAMING: &str = "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class";

fn streaming_seed() -> Seed {
    let payload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
    let mut request = s3(
        "PUT",
        "/examplebucket/chunkObject.txt",
        "",
        &[
            ("content-encoding", "aws-chunked"),
            ("content-length", "66824"),
            ("x-amz-content-sha256", payload),
            ("x-amz-decoded-content-length", "66560"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ],
    );
    request.headers[0].1 = "s3.amazonaws.com".into();
    seed(request, STREAMING, payload)
}

fn stream(chunks: &[(usize, &str)], tail: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for (size, signature) in chunks {
        out.extend_from_slice(format!("{size:x};chunk-signature={signature}\r\n").as_bytes());
        if *size > 0 {
            out.extend(std::iter::repeat_n(b'a', *size));
            out.extend_from_slice(b"\r\n");
        }
    }
    out.extend_from_slice(tail.as_bytes());
    out
}

/// The body through a signer, in pieces of this size.
fn resigned(seed: Seed, body: &[u8], step: usize) -> Result<Vec<u8>, Fault> {
    let mut signer = Resigner::new(seed);
    let mut out = Vec::new();
    for piece in body.chunks(step) {
        out.extend(signer.push(piece)?);
    }
    signer.finish()?;
    Ok(out)
}

#[test]
fn s3_example_of_signed_chunks_however_they_arrive() {
    assert_eq!(
        streaming_seed().signature,
        "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
    );
    let wrong = "0".repeat(64);
    let sent = stream(&[(65536, &wrong), (1024, &wrong), (0, &wrong)], "\r\n");
    let want = stream(
        &[
            (65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
            (1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
            (0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
        ],
        "\r\n",
    );
    assert_eq!(want.len(), 66824, "as the example says");
    for step in [1, 77, 65536, sent.len()] {
        assert!(resigned(streaming_seed(), &sent, step).unwrap() == want, "in steps of {step}");
    }
}

#[test]
fn s3_example_of_signed_chunks_with_a_trailer() {
    let payload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
    let mut request = s3(
        "PUT",
        "/examplebucket/chunkObject.txt",
        "",
        &[
            ("content-encoding", "aws-chunked"),
            ("x-amz-content-sha256", payload),
            ("x-amz-decoded-content-length", "66560"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ("x-amz-trailer", "x-amz-checksum-crc32c"),
        ],
    );
    request.headers[0].1 = "s3.amazonaws.com".into();
    let names = "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer";
    let seed = seed(request, names, payload);
    assert_eq!(seed.signature, "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e");
    let (wrong, sum) = ("0".repeat(64), "x-amz-checksum-crc32c:sOO8/Q==\r\n");
    let tail = |signature: &str| format!("{sum}x-amz-trailer-signature:{signature}\r\n\r\n");
    let sent = stream(&[(65536, &wrong), (1024, &wrong), (0, &wrong)], &tail(&wrong));
    let want = stream(
        &[
            (65536, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2"),
            (1024, "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7"),
            (0, "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"),
        ],
        &tail("d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"),
    );
    assert!(resigned(seed, &sent, 1000).unwrap() == want);
}

#[test]
fn what_is_no_chain_of_signed_chunks_is_refused() {
    let wrong = "0".repeat(64);
    let whole = stream(&[(5, &wrong), (0, &wrong)], "\r\n");
    assert!(resigned(streaming_seed(), &whole, 3).is_ok());
    let cut = &whole[..whole.len() - 90];
    for (body, want) in [
        (cut.to_vec(), Fault::Short),
        (b"5\r\naaaaa\r\n0\r\n\r\n".to_vec(), Fault::Framing),
        (b"aaaaaaaa".repeat(2000), Fault::Framing),
        ([whole.as_slice(), b"more"].concat(), Fault::Framing),
        (format!("FFFFFFFF;chunk-signature={wrong}\r\n").into_bytes(), Fault::Size),
        (format!("5;chunk-signature={wrong}\r\naaaaaaa\r\n").into_bytes(), Fault::Framing),
        (format!("5;chunk-signature={wrong}\naaaaa\r\n").into_bytes(), Fault::Framing),
    ] {
        assert_eq!(resigned(streaming_seed(), &body, 64).err(), Some(want), "{}", body.len());
    }
}
