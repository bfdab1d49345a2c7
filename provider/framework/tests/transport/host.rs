//! The host's side: its certificate as go-plugin makes it, the handshake line, and connections.

use std::{path::PathBuf, sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use hyper_util::rt::TokioIo;
use provider_framework::transport::{HostEnvironment, Listening, MESSAGE_SIZE_MAX, Mode, ServeError, ServeOptions, StopSignal};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P521_SHA512,
};
use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    client::ResolvesClientCert,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName},
    sign::{CertifiedKey, SingleCertAndKey},
};
use tempfile::TempDir;
use tfplugin_proto::tfplugin6::provider_client::ProviderClient;
use tokio::{net::UnixStream, task::JoinHandle};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tonic::transport::{Channel, Endpoint};

use crate::stub::Stub;

/// Nothing here takes longer than a second on a loaded machine; a hang must fail the test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The cookie hosts set.
pub(crate) const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// A key with a self-signed certificate like the ones go-plugin makes for each provider it starts.
pub(crate) struct HostIdentity {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) pem: String,
    key: PrivatePkcs8KeyDer<'static>,
}

impl HostIdentity {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512).expect("aws-lc-rs has P-521");
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a valid DNS name");
        params.distinguished_name.push(DnType::CommonName, "localhost");
        params.distinguished_name.push(DnType::OrganizationName, "HashiCorp");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
            KeyUsagePurpose::KeyAgreement,
            KeyUsagePurpose::KeyCertSign,
        ];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.self_signed(&key).expect("parameters are complete");
        Self {
            certificate: certificate.der().clone(),
            pem: certificate.pem(),
            key: PrivatePkcs8KeyDer::from(key.serialize_der()),
        }
    }

    /// What a client shows: this certificate, signed for with the key of `signer`.
    pub(crate) fn signed_by(&self, signer: &Self) -> Arc<SingleCertAndKey> {
        let key = aws_lc_rs::sign::any_supported_type(&PrivateKeyDer::Pkcs8(signer.key.clone_key()))
            .expect("aws-lc-rs signs with P-521");
        Arc::new(SingleCertAndKey::from(CertifiedKey::new(vec![self.certificate.clone()], key)))
    }
}

/// The handshake line, taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub(crate) socket: PathBuf,
    pub(crate) certificate: Option<CertificateDer<'static>>,
}

impl Address {
    pub(crate) fn parse(line: &str) -> Self {
        let fields: Vec<&str> = line.trim().split('|').collect();
        let ["1", "6", "unix", socket, "grpc", certificate] = fields[..] else { panic!("not a handshake line: {line:?}") };
        let der = BASE64_STANDARD_NO_PAD.decode(certificate).expect("unpadded base64");
        Self { socket: PathBuf::from(socket), certificate: (!der.is_empty()).then(|| CertificateDer::from(der)) }
    }

    /// A client configuration that trusts only the certificate of the line, as a host does.
    pub(crate) fn tls(
        &self,
        shown: Option<Arc<SingleCertAndKey>>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        let certificate = self.certificate.clone().expect("the line has a certificate");
        roots.add(certificate).expect("a certificate");
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(versions)
            .expect("the provider has these versions")
            .with_root_certificates(roots);
        let mut config = match shown {
            None => config.with_no_client_auth(),
            Some(shown) => config.with_client_cert_resolver(shown as Arc<dyn ResolvesClientCert>),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        config
    }

    pub(crate) async fn connect_tls(&self, config: ClientConfig) -> std::io::Result<TlsStream<UnixStream>> {
        let stream = UnixStream::connect(&self.socket).await?;
        let name = ServerName::try_from("localhost").expect("a valid DNS name");
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// A channel as the host holding `identity` opens it, or a plain one.
    pub(crate) async fn channel(&self, identity: Option<&HostIdentity>) -> Channel {
        let config = identity.map(|identity| self.tls(Some(identity.signed_by(identity)), rustls::ALL_VERSIONS));
        let address = self.clone();
        Endpoint::from_static("http://localhost")
            .connect_with_connector(tower::service_fn(move |_| {
                let (address, config) = (address.clone(), config.clone());
                async move {
                    let stream: Box<dyn Transport> = match config {
                        None => Box::new(UnixStream::connect(&address.socket).await?),
                        Some(config) => Box::new(address.connect_tls(config).await?),
                    };
                    Ok::<_, std::io::Error>(TokioIo::new(stream))
                }
            }))
            .await
            .expect("the provider accepts the connection")
    }
}

/// Either kind of stream to a provider.
pub(crate) trait Transport: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin {}
impl Transport for UnixStream {}
impl Transport for TlsStream<UnixStream> {}

pub(crate) fn client(channel: Channel) -> ProviderClient<Channel> {
    ProviderClient::new(channel).max_decoding_message_size(MESSAGE_SIZE_MAX).max_encoding_message_size(MESSAGE_SIZE_MAX)
}

/// The stub, served inside the test.
pub(crate) struct Served {
    pub(crate) address: Address,
    pub(crate) finished: JoinHandle<Result<(), ServeError>>,
    /// Holds the socket.
    _dir: TempDir,
}

impl Served {
    pub(crate) fn start(mode: Mode, identity: Option<&HostIdentity>) -> Self {
        let dir = tempfile::tempdir().expect("a folder for the socket");
        let environment = HostEnvironment {
            cookie: Some(COOKIE.to_owned()),
            protocol_versions: Some("5,6".to_owned()),
            client_certificate: identity.map(|identity| identity.pem.clone()),
            socket_dir: Some(dir.path().to_owned()),
            socket_group: None,
        };
        let options = ServeOptions { provider_address: "registry.terraform.io/valkyard/stub".to_owned(), mode };
        let listening = Listening::open(&options, &environment).expect("the socket opens");
        let address = match mode {
            Mode::Managed => Address::parse(listening.announcement()),
            Mode::Debug => Address { socket: only_file(&dir), certificate: None },
        };
        let stop = StopSignal::default();
        let provider = Stub { stop: stop.clone() };
        Self { address, finished: tokio::spawn(listening.run(provider, stop)), _dir: dir }
    }
}

fn only_file(dir: &TempDir) -> PathBuf {
    let mut files = std::fs::read_dir(dir.path()).expect("the folder is there");
    files.next().expect("the socket").expect("a readable entry").path()
}
