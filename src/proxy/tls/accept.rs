//! The client's side: the ClientHello is read first, then a leaf for the very name is presented. Sessions resume by
//! tickets; nothing is kept per session.

use crate::base::host::Host;
use crate::certs::Leaves;
use crate::proxy::Error;
use crate::proxy::serve::Http;
use parking_lot::RwLock;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{NoServerSessionStorage, ProducesTickets};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

/// Accepts TLS from clients.
pub struct Acceptor {
    leaves: Arc<Leaves>,
    provider: Arc<CryptoProvider>,
    tickets: Arc<dyn ProducesTickets>,
    configs: RwLock<HashMap<Host, Configured>>,
}

/// A leaf, and the TLS configuration that presents it.
type Configured = (Arc<CertifiedKey>, Arc<ServerConfig>);

/// A client's stream, opened.
pub(in crate::proxy) struct Accepted<S> {
    pub(in crate::proxy) stream: TlsStream<S>,
    pub(in crate::proxy) http: Http,
    /// The server name was another than the authority: every request inside is to be answered 421.
    pub(in crate::proxy) misdirected: bool,
}

/// As many hosts' configurations are kept; beyond that the lot is dropped and built again on demand.
const MOST_CONFIGS: usize = 4096;

impl Acceptor {
    /// Presents leaves from here.
    ///
    /// # Errors
    /// When ticket keys cannot be made.
    pub fn new(leaves: Arc<Leaves>) -> Result<Self, Error> {
        // the client is on this machine or beside it: the cheapest strong key exchange first
        let provider = CryptoProvider {
            kx_groups: vec![
                aws_lc_rs::kx_group::X25519,
                aws_lc_rs::kx_group::SECP256R1,
                aws_lc_rs::kx_group::SECP384R1,
            ],
            cipher_suites: super::suites(),
            ..aws_lc_rs::default_provider()
        };
        Ok(Self {
            leaves,
            provider: Arc::new(provider),
            tickets: aws_lc_rs::Ticketer::new().map_err(|e| Error::Tls(e.to_string()))?,
            configs: RwLock::default(),
        })
    }

    /// Opens a client's TLS towards this host.
    ///
    /// # Errors
    /// When the handshake fails or no leaf can be made.
    pub(in crate::proxy) async fn accept<S>(&self, io: S, authority: &Host) -> io::Result<Accepted<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let start = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), io).await?;
        let asked = start.client_hello().server_name().map(Host::parse);
        let (host, misdirected) = match asked {
            None => (authority.clone(), false),
            Some(Ok(name)) => {
                let other = name != *authority;
                (name, other)
            }
            Some(Err(why)) => return Err(io::Error::new(io::ErrorKind::InvalidData, why)),
        };
        let config = self.config(&host).map_err(io::Error::other)?;
        let stream = start.into_stream(config).await?;
        let http = if stream.get_ref().1.alpn_protocol() == Some(b"h2") { Http::Two } else { Http::One };
        Ok(Accepted { stream, http, misdirected })
    }

    /// The same for a server that is no end of a tunnel: what is spoken over TLS, and nothing about it.
    ///
    /// # Errors
    /// The handshake's.
    pub(crate) async fn stream<S>(
        &self,
        io: S,
        host: &Host,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Unpin + use<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        Ok(self.accept(io, host).await?.stream)
    }

    fn config(&self, host: &Host) -> Result<Arc<ServerConfig>, Error> {
        let leaf = self.leaves.for_host(host).map_err(|e| Error::Tls(e.to_string()))?;
        if let Some((of, config)) = self.configs.read().get(host)
            && Arc::ptr_eq(of, &leaf)
        {
            return Ok(config.clone());
        }
        let mut config = ServerConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|e| Error::Tls(e.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(leaf.clone())));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.ticketer = self.tickets.clone();
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 1;
        config.ignore_client_order = true;
        let config = Arc::new(config);
        let mut all = self.configs.write();
        if all.len() >= MOST_CONFIGS {
            all.clear();
        }
        all.insert(host.clone(), (leaf, config.clone()));
        Ok(config)
    }
}

/// A stable short name for what went wrong. Clients that do not trust the CA say so in an alert.
pub(in crate::proxy) fn code(why: &io::Error) -> &'static str {
    let tls = why.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::AlertReceived(alert)) => match alert {
            rustls::AlertDescription::UnknownCA
            | rustls::AlertDescription::BadCertificate
            | rustls::AlertDescription::CertificateUnknown => "tls_client_distrusts_ca",
            _ => "tls_client_alert",
        },
        Some(_) => "tls_client_failed",
        None => "tls_client_gone",
    }
}
