//! A Java trust store (JKS) out of PEM certificates, written here so that no JDK tool has to run at each start.
//! It holds public certificates only and lies in a private directory, so it carries no password and no real checksum:
//! Java checks that only when it is given a password.

use data_encoding::BASE64_MIME_PERMISSIVE;

const MAGIC: u32 = 0xFEED_FEED;
const VERSION: u32 = 2;
const TRUSTED_CERTIFICATE: u32 = 2;
const CHECKSUM: [u8; 20] = [0; 20];

/// The store with every certificate of the PEM text; what is no certificate there is passed over.
#[must_use]
pub fn jks(pem: &str) -> Vec<u8> {
    let certificates: Vec<Vec<u8>> = certificates(pem).collect();
    let mut out = Vec::with_capacity(pem.len());
    out.extend(MAGIC.to_be_bytes());
    out.extend(VERSION.to_be_bytes());
    out.extend(length(certificates.len()));
    for (n, der) in certificates.iter().enumerate() {
        out.extend(TRUSTED_CERTIFICATE.to_be_bytes());
        text(&mut out, &format!("root-{n}"));
        out.extend(0u64.to_be_bytes()); // its date, which nobody reads
        text(&mut out, "X.509");
        out.extend(length(der.len()));
        out.extend(der);
    }
    out.extend(CHECKSUM);
    out
}

fn certificates(pem: &str) -> impl Iterator<Item = Vec<u8>> {
    pem.split("-----BEGIN CERTIFICATE-----").skip(1).filter_map(|rest| {
        let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
        BASE64_MIME_PERMISSIVE.decode(body.as_bytes()).ok().filter(|der| !der.is_empty())
    })
}

fn length(n: usize) -> [u8; 4] {
    u32::try_from(n).unwrap_or(u32::MAX).to_be_bytes()
}

/// Java's `writeUTF`, for ASCII.
fn text(out: &mut Vec<u8>, ascii: &str) {
    out.extend(u16::try_from(ascii.len()).unwrap_or(0).to_be_bytes());
    out.extend(ascii.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_has_every_certificate_and_nothing_else() {
        let pem = "# a comment\n-----BEGIN CERTIFICATE-----\nAAEC\nAwQ=\n-----END CERTIFICATE-----\n\
                   -----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n\
                   -----BEGIN CERTIFICATE-----\r\nBQYH\r\n-----END CERTIFICATE-----\r\n";
        let store = jks(pem);
        assert_eq!(&store[..12], [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0, 0, 2]);
        let first =
            [&[0, 0, 0, 2, 0, 6][..], b"root-0", &[0; 8], &[0, 5], b"X.509", &[0, 0, 0, 5, 0, 1, 2, 3, 4]]
                .concat();
        assert_eq!(&store[12..12 + first.len()], first);
        assert!(store.ends_with(&[&[0, 0, 0, 3, 5, 6, 7][..], &[0; 20]].concat()));
        assert_eq!(jks("nothing").len(), 12 + 20);
    }

    #[test]
    fn java_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let (pem, key, store) =
            (dir.path().join("c.pem"), dir.path().join("k.pem"), dir.path().join("roots.jks"));
        let made = std::process::Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-subj",
                "/CN=a root",
            ])
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&pem)
            .output();
        let listed = std::process::Command::new("keytool").arg("-help").output();
        let (Ok(_), Ok(_)) = (made, listed) else {
            eprintln!("skipped: openssl or keytool is not there");
            return;
        };
        std::fs::write(&store, jks(&std::fs::read_to_string(&pem).unwrap())).unwrap();
        let out = std::process::Command::new("keytool")
            .args(["-list", "-storetype", "JKS", "-v", "-keystore"])
            .arg(&store)
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&out.stdout);
        assert!(
            said.contains("root-0") && said.contains("CN=a root") && said.contains("trustedCertEntry"),
            "{said}"
        );
    }
}
