//! Reads one instance through the provider as often as asked, and prints what the provider's memory does.
//!
//! `read_load PROVIDER INSTANCE_NAME CALLS…`: starts the provider as a host would (without TLS), configures it from the
//! environment (`VALKYARD_ENDPOINT`), imports the instance and calls ReadResource. After each of the ascending counts it
//! prints a line `calls megabytes seconds`: VmRSS, and the time since the first call. For measuring; it judges nothing.
//! SIGTERM ends it and the provider.

use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use tfplugin_proto::tfplugin6::provider_client::ProviderClient;
use tfplugin_proto::tfplugin6::{
    Diagnostic, DynamicValue, configure_provider, get_provider_schema, import_resource_state, read_resource,
};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tonic::transport::{Channel, Endpoint};

const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";
const RESOURCE: &str = "valkyard_instance";
/// Bytes of a KiB, the kernel's unit in /proc, and of a MB, ours.
const KIB: f64 = 1024.0;
const MB: f64 = 1e6;

type Provider = ProviderClient<Channel>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let program = arguments.next().context("the first argument is the provider's path")?;
    let instance = arguments.next().context("the second argument is an instance's name")?;
    let counts: Vec<u64> = arguments.map(|text| text.parse().context("counts are numbers")).collect::<Result<_>>()?;

    let mut terminated = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let (child, provider) = start(&program).await?;
    let pid = child.id().context("the provider has ended")?;
    tokio::select! {
        done = measure(provider, pid, &instance, counts) => done,
        _ = terminated.recv() => bail!("ended by SIGTERM"),
    }
}

async fn measure(mut provider: Provider, pid: u32, instance: &str, counts: Vec<u64>) -> Result<()> {
    configure(&mut provider).await?;
    let imported = import(&mut provider, instance).await?;
    let (started, mut calls) = (Instant::now(), 0);
    for count in counts {
        while calls < count {
            read(&mut provider, &imported).await?;
            calls += 1;
        }
        println!("{calls} {:.3} {:.3}", resident_mb(pid)?, started.elapsed().as_secs_f64());
    }
    Ok(())
}

/// The provider lives as long as the child that is returned.
async fn start(program: &str) -> Result<(Child, Provider)> {
    let mut child = Command::new(program)
        .env("TF_PLUGIN_MAGIC_COOKIE", COOKIE)
        .env("PLUGIN_PROTOCOL_VERSIONS", "6")
        .env_remove("PLUGIN_CLIENT_CERT")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("start {program}"))?;
    let output = child.stdout.take().context("the provider has an output")?;
    let line = BufReader::new(output).lines().next_line().await?.context("the provider ended without a handshake line")?;
    let Some(["1", "6", "unix", socket]) = line.split('|').collect::<Vec<_>>().first_chunk::<4>().copied() else {
        bail!("not a handshake line: {line:?}");
    };
    let channel = Endpoint::try_from(format!("unix:{socket}"))?.connect().await.context("connect to the provider")?;
    Ok((child, ProviderClient::new(channel)))
}

/// Every attribute of the provider block null, so that the environment decides.
async fn configure(provider: &mut Provider) -> Result<()> {
    let schema = provider.get_provider_schema(get_provider_schema::Request {}).await?.into_inner();
    let block = schema.provider.and_then(|schema| schema.block).context("the provider has a schema")?;
    let request = configure_provider::Request {
        config: Some(DynamicValue {
            msgpack: nulls(block.attributes.iter().map(|a| a.name.as_str()))?.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    refuse_errors(&provider.configure_provider(request).await?.into_inner().diagnostics)
}

/// A msgpack map of fewer than 16 short names, each with nil.
fn nulls<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> Result<Vec<u8>> {
    const FIXMAP: u8 = 0x80;
    const FIXSTR: u8 = 0xa0;
    const NIL: u8 = 0xc0;
    ensure!(names.len() < 16, "the provider block has too many attributes for a short map");
    let mut bytes = vec![FIXMAP | u8::try_from(names.len())?];
    for name in names {
        ensure!(name.len() < 32, "{name} is too long for a short string");
        bytes.push(FIXSTR | u8::try_from(name.len())?);
        bytes.extend(name.as_bytes());
        bytes.push(NIL);
    }
    Ok(bytes)
}

/// The request that reads the instance with all that is known about it.
async fn import(provider: &mut Provider, instance: &str) -> Result<read_resource::Request> {
    let request =
        import_resource_state::Request { type_name: RESOURCE.to_owned(), id: instance.to_owned(), ..Default::default() };
    let answer = provider.import_resource_state(request).await?.into_inner();
    refuse_errors(&answer.diagnostics)?;
    let imported = answer.imported_resources.into_iter().next().context("nothing was imported")?;
    let mut request = read_resource::Request {
        type_name: imported.type_name,
        current_state: imported.state,
        private: imported.private,
        ..Default::default()
    };
    request.current_state = Some(read(provider, &request).await?);
    Ok(request)
}

async fn read(provider: &mut Provider, request: &read_resource::Request) -> Result<DynamicValue> {
    let answer = provider.read_resource(request.clone()).await?.into_inner();
    refuse_errors(&answer.diagnostics)?;
    answer.new_state.context("the provider answered without a state")
}

fn refuse_errors(diagnostics: &[Diagnostic]) -> Result<()> {
    match diagnostics.first() {
        None => Ok(()),
        Some(first) => bail!("{}: {}", first.summary, first.detail),
    }
}

fn resident_mb(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("the provider has ended")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("the kernel tells VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().context("VmRSS is in kB")?;
    Ok(kib * KIB / MB)
}
