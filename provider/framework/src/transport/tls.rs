//! Mutual TLS with the host: a certificate of our own for this process, and the host's pinned byte for byte.
//!
//! Used by [`Listening`](super::Listening) when the host sent a certificate. Invariant: a connection whose peer does
//! not hold the key of exactly that certificate never reaches a service. The crypto is aws-lc-rs, because the host's
//! certificate is P-521 and ring offers no scheme for it. The host's certificate also marks itself as an authority,
//! which the stock verifiers refuse for a client; pinning needs no path building, so that does not matter here.

use std::sync::Arc;

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName as SubjectName, Error as RustlsError, ServerConfig,
    SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivatePkcs8KeyDer, UnixTime, pem, pem::PemObject as _},
    server::{
        NoServerSessionStorage,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};
use tokio_rustls::TlsAcceptor;

/// The name hosts dial, whatever the socket.
const SERVER_NAME: &str = "localhost";
/// The only protocol spoken; newer hosts refuse a server that does not confirm it.
const ALPN_HTTP_2: &[u8] = b"h2";

/// Why mutual TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// `PLUGIN_CLIENT_CERT` holds no certificate.
    #[error("failed to read the host's certificate from PLUGIN_CLIENT_CERT")]
    ClientCertificate(#[source] pem::Error),
    /// Our own certificate could not be made.
    #[error("failed to make a server certificate")]
    ServerCertificate(#[source] rcgen::Error),
    /// The TLS library refused the set-up.
    #[error("failed to configure TLS")]
    Configuration(#[source] RustlsError),
}

/// The server side of mutual TLS for one host.
pub(super) struct HostTls {
    pub(super) acceptor: TlsAcceptor,
    /// Ours; the host trusts it as its only root.
    pub(super) certificate: CertificateDer<'static>,
}

impl HostTls {
    pub(super) fn pinned_to(client_pem: &str) -> Result<Self, TlsError> {
        let pinned = CertificateDer::from_pem_slice(client_pem.as_bytes()).map_err(TlsError::ClientCertificate)?;
        let (certificate, key) = server_certificate().map_err(TlsError::ServerCertificate)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = PinnedClient::new(pinned, &provider);
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Configuration)?
            .with_client_cert_verifier(Arc::new(verifier))
            .with_single_cert(vec![certificate.clone()], key.into())
            .map_err(TlsError::Configuration)?;
        config.alpn_protocols = vec![ALPN_HTTP_2.to_vec()];
        // One host connects once: resuming a session would only be a way around the certificate check.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), certificate })
    }
}

fn server_certificate() -> Result<(CertificateDer<'static>, PrivatePkcs8KeyDer<'static>), rcgen::Error> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::new(vec![SERVER_NAME.to_owned()])?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, SERVER_NAME);
    let certificate = params.self_signed(&key)?;
    Ok((certificate.der().clone(), PrivatePkcs8KeyDer::from(key.serialize_der())))
}

/// Accepts exactly one client certificate.
#[derive(Debug)]
struct PinnedClient {
    certificate: CertificateDer<'static>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl PinnedClient {
    fn new(certificate: CertificateDer<'static>, provider: &CryptoProvider) -> Self {
        Self { certificate, algorithms: provider.signature_verification_algorithms }
    }
}

impl ClientCertVerifier for PinnedClient {
    fn client_auth_mandatory(&self) -> bool {
        true
    }

    fn root_hint_subjects(&self) -> &[SubjectName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, RustlsError> {
        if *end_entity != self.certificate {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
