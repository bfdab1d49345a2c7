//! Who gets in: the host with its certificate and key, and nobody else.

use std::{io, time::Duration};

use provider_framework::transport::Mode;
use rustls::{AlertDescription, version::TLS12};
use tfplugin_proto::tfplugin6::get_provider_schema;
use tokio::{io::AsyncReadExt as _, net::UnixStream, time::timeout};

use crate::host::{Address, HostIdentity, PATIENCE, Served, client};

async fn assert_served(address: &Address, identity: &HostIdentity) {
    let mut client = client(address.channel(Some(identity)).await);
    timeout(PATIENCE, client.get_provider_schema(get_provider_schema::Request {}))
        .await
        .expect("an answer")
        .expect("the stub answers");
}

/// The alert a client is sent. In TLS 1.3 it arrives after the client's own half of the handshake.
async fn refusal(address: &Address, config: rustls::ClientConfig) -> AlertDescription {
    let outcome = timeout(PATIENCE, async {
        let mut stream = address.connect_tls(config).await?;
        stream.read_u8().await.map(drop)
    })
    .await
    .expect("the provider reacts");
    alert(&outcome.expect_err("the provider refuses"))
}

fn alert(error: &io::Error) -> AlertDescription {
    let tls_error = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let Some(rustls::Error::AlertReceived(alert)) = tls_error else { panic!("not a TLS alert: {error:?}") };
    *alert
}

#[tokio::test]
async fn host_with_a_p521_authority_certificate_is_served() {
    let identity = HostIdentity::new();
    let served = Served::start(Mode::Managed, Some(&identity));
    assert_served(&served.address, &identity).await;
}

#[tokio::test]
async fn provider_confirms_http_2() {
    let identity = HostIdentity::new();
    let served = Served::start(Mode::Managed, Some(&identity));
    let shown = identity.signed_by(&identity);
    let config = served.address.tls(Some(shown), rustls::ALL_VERSIONS);
    let stream = served.address.connect_tls(config).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
}

#[tokio::test]
async fn client_without_a_certificate_is_refused() {
    let identity = HostIdentity::new();
    let served = Served::start(Mode::Managed, Some(&identity));
    for versions in [rustls::ALL_VERSIONS, &[&TLS12]] {
        let config = served.address.tls(None, versions);
        let alert = refusal(&served.address, config).await;
        assert!(matches!(alert, AlertDescription::CertificateRequired | AlertDescription::HandshakeFailure), "{alert:?}");
    }
    assert_served(&served.address, &identity).await;
}

#[tokio::test]
async fn client_with_another_certificate_of_the_same_name_is_refused() {
    let identity = HostIdentity::new();
    let stranger = HostIdentity::new();
    let served = Served::start(Mode::Managed, Some(&identity));
    for versions in [rustls::ALL_VERSIONS, &[&TLS12]] {
        let shown = stranger.signed_by(&stranger);
        let config = served.address.tls(Some(shown), versions);
        assert_eq!(refusal(&served.address, config).await, AlertDescription::AccessDenied);
    }
    assert_served(&served.address, &identity).await;
}

#[tokio::test]
async fn client_with_the_certificate_but_without_its_key_is_refused() {
    let identity = HostIdentity::new();
    let thief = HostIdentity::new();
    let served = Served::start(Mode::Managed, Some(&identity));
    for versions in [rustls::ALL_VERSIONS, &[&TLS12]] {
        let shown = identity.signed_by(&thief);
        let config = served.address.tls(Some(shown), versions);
        assert_eq!(refusal(&served.address, config).await, AlertDescription::DecryptError);
    }
    assert_served(&served.address, &identity).await;
}

#[tokio::test]
async fn silent_peers_do_not_keep_the_host_out() {
    let identity = HostIdentity::new();
    let served = Served::start(Mode::Managed, Some(&identity));
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(UnixStream::connect(&served.address.socket).await.unwrap());
    }
    let patience = Duration::from_secs(5);
    timeout(patience, assert_served(&served.address, &identity)).await.expect("served while the others stay silent");
}

#[tokio::test]
async fn without_a_client_certificate_the_connection_is_plain() {
    let served = Served::start(Mode::Managed, None);
    assert!(served.address.certificate.is_none());
    let mut client = client(served.address.channel(None).await);
    client.get_provider_schema(get_provider_schema::Request {}).await.unwrap();
}
