//! Content codings: to make bodies with, and to look into what arrived.

use std::io::{Read, Write};

/// The content codings that katana looks into.
pub(crate) const CODINGS: [&str; 4] = ["gzip", "deflate", "br", "zstd"];

/// Encodes once.
pub(crate) fn encode(coding: &str, bytes: &[u8]) -> Vec<u8> {
    match coding {
        "gzip" => {
            let mut w = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            w.write_all(bytes).unwrap();
            w.finish().unwrap()
        }
        "deflate" => {
            let mut w = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            w.write_all(bytes).unwrap();
            w.finish().unwrap()
        }
        "br" => {
            let mut out = Vec::new();
            let mut w = brotli::CompressorWriter::new(&mut out, 4096, 3, 20);
            w.write_all(bytes).unwrap();
            drop(w);
            out
        }
        "zstd" => zstd::encode_all(bytes, 1).unwrap(),
        "identity" => bytes.to_vec(),
        other => panic!("no such coding: {other}"),
    }
}

/// Encodes in the order in which the header lists the codings.
pub(crate) fn encode_all(codings: &[&str], bytes: &[u8]) -> Vec<u8> {
    codings.iter().fold(bytes.to_vec(), |b, c| encode(c, &b))
}

/// Decodes once; `None` if the bytes are not that. Looks at no more than 16 MB.
pub(crate) fn decode(coding: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut reader: Box<dyn Read + '_> = match coding {
        "gzip" => Box::new(flate2::read::MultiGzDecoder::new(bytes)),
        "deflate" if bytes.first().is_some_and(|b| b & 0x0f == 8) => {
            Box::new(flate2::read::ZlibDecoder::new(bytes))
        }
        "deflate" => Box::new(flate2::read::DeflateDecoder::new(bytes)),
        "br" => Box::new(brotli::Decompressor::new(bytes, 4096)),
        "zstd" => Box::new(zstd::stream::read::Decoder::new(bytes).ok()?),
        _ => return None,
    };
    reader.as_mut().take(16 << 20).read_to_end(&mut out).ok()?;
    Some(out)
}

/// Undoes a `content-encoding` header.
pub(crate) fn decode_all(header: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let codings = header.split(',').map(str::trim).filter(|c| !c.is_empty() && *c != "identity");
    codings.rev().try_fold(bytes.to_vec(), |b, c| decode(c, &b))
}

#[test]
fn every_coding_goes_both_ways() {
    let text = b"one two three ".repeat(100);
    for coding in CODINGS {
        assert_eq!(decode(coding, &encode(coding, &text)).as_deref(), Some(&text[..]), "{coding}");
    }
    assert_eq!(decode_all("gzip, br", &encode_all(&["gzip", "br"], &text)), Some(text));
}
