//! The upstream side: certificates are verified against the system's roots and the configured ones. The protocol the
//! client speaks is offered first, so that most exchanges need no translation; the other is always there as well.

use super::read_ahead::ReadAhead;
use crate::base::host::Host;
use crate::pipeline::Denial;
use crate::proxy::Error;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::io;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Opens TLS towards upstream.
pub struct Dialer {
    one: Arc<ClientConfig>,
    two: Arc<ClientConfig>,
}

/// Which protocols are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// HTTP/1.1 alone.
    One,
    /// HTTP/2, and HTTP/1.1 if it must be.
    TwoOrOne,
}

impl Dialer {
    /// Verifies against these roots; `verify: false` takes any certificate.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(roots: RootCertStore, verify: bool) -> Result<Self, Error> {
        let provider =
            Arc::new(CryptoProvider { cipher_suites: super::suites(), ..aws_lc_rs::default_provider() });
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|e| Error::Tls(e.to_string()))?;
        let mut one = if verify {
            builder.with_root_certificates(roots).with_no_client_auth()
        } else {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Unverified(provider)))
                .with_no_client_auth()
        };
        let mut two = one.clone();
        one.alpn_protocols = vec![b"http/1.1".to_vec()];
        two.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // two stores: a ticket from a session of one protocol must not be offered in the other
        two.resumption = rustls::client::Resumption::in_memory_sessions(512);
        Ok(Self { one: Arc::new(one), two: Arc::new(two) })
    }

    /// The handshake.
    ///
    /// # Errors
    /// The handshake's.
    pub(crate) async fn handshake(
        &self,
        host: &Host,
        tcp: TcpStream,
        offer: Offer,
    ) -> io::Result<TlsStream<ReadAhead<TcpStream>>> {
        let name = match host {
            Host::Name(n) => ServerName::try_from(n.to_string()).map_err(io::Error::other)?,
            Host::Addr(a) => ServerName::IpAddress((*a).into()),
        };
        let config = if offer == Offer::One { &self.one } else { &self.two };
        TlsConnector::from(config.clone()).connect(name, ReadAhead::new(tcp)).await
    }
}

/// Did upstream refuse because it speaks none of the offered protocols?
pub(crate) fn wants_other_protocol(why: &io::Error) -> bool {
    matches!(
        why.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()),
        Some(rustls::Error::AlertReceived(rustls::AlertDescription::NoApplicationProtocol))
    )
}

/// A failed handshake, in words for the agent.
pub(crate) fn denial(why: &io::Error) -> Denial {
    let tls = why.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::InvalidCertificate(bad)) => {
            let what = match bad {
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => "has expired",
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    "is not valid yet"
                }
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    "is for another name"
                }
                CertificateError::UnknownIssuer => "is signed by nobody this machine trusts",
                CertificateError::Revoked => "is revoked",
                // what `openssl req -x509` makes, unless told otherwise
                CertificateError::Other(why) if why.to_string().contains("CaUsedAsEndEntity") => {
                    "is one that signs others, as a self-signed one often is, and cannot be a server's too"
                }
                _ => "does not verify",
            };
            Denial {
                remedy: "If its CA is a private one, the operator adds it under proxy.upstream.extra_roots."
                    .into(),
                ..Denial::upstream("upstream_certificate", format!("The destination's certificate {what}."))
            }
        }
        Some(e) => Denial::upstream("upstream_tls", format!("TLS with the destination failed: {e}.")),
        None => Denial::upstream(
            "upstream_tls",
            format!("The destination ended the TLS handshake ({}).", why.kind()),
        ),
    }
}

/// `upstream.tls_verify: false`. Signatures are still checked, so that the peer at least holds the key it shows.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
