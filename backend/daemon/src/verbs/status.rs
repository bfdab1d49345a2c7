//! `valkyard status [--wait]`: is the daemon ready, and what does it run?

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::{StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::cli::{OutputFormat, StatusOptions};
use crate::listen::endpoint_of;

/// Gap between two looks while waiting: short against what is waited for (a cluster takes 2 s), cheap to answer.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// The daemon answers from memory and one small database: longer means that it is not well.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Instance states that end by themselves.
const PASSING_STATES: [&str; 3] = ["CREATING", "UPDATING", "DELETING"];

type Http = Client<HttpConnector, Empty<Bytes>>;

/// Exit code 0: ready (and, with `--wait`, at rest). 1: not, or not in time.
pub(crate) fn run(options: &StatusOptions) -> Result<ExitCode> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("start the runtime")?.block_on(status(options))
}

async fn status(options: &StatusOptions) -> Result<ExitCode> {
    let http: Http = Client::builder(TokioExecutor::new()).build_http();
    let deadline = Instant::now() + options.timeout;
    loop {
        // Each time anew: a daemon that is starting has not written its address down yet.
        let endpoint = endpoint_of(&options.target)?;
        let looked = look(&http, &endpoint).await;
        let at_rest = looked.as_ref().is_ok_and(|instances| !instances.iter().any(is_passing));
        if at_rest || !options.wait || Instant::now() >= deadline {
            return report(&endpoint, looked, options, at_rest);
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

fn report(endpoint: &str, looked: Result<Vec<Value>>, options: &StatusOptions, at_rest: bool) -> Result<ExitCode> {
    let instances = looked.with_context(|| format!("no ready daemon at {endpoint}; start one with `valkyard serve`"))?;
    match options.format {
        OutputFormat::Json => println!("{}", json!({ "endpoint": endpoint, "ready": true, "instances": instances })),
        OutputFormat::Text => print_table(endpoint, &instances),
    }
    if options.wait && !at_rest {
        eprintln!("valkyard: instances are still changing after {:?}", options.timeout);
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn print_table(endpoint: &str, instances: &[Value]) {
    println!("ready at {endpoint}, {} instance(s)", instances.len());
    for instance in instances {
        let text = |key: &str| instance[key].as_str().unwrap_or("-").to_owned();
        let address = &instance["discoveryEndpoints"][0];
        println!(
            "{:<9} {}  {} x (1 + {})  {}  {}:{}",
            text("state"),
            text("name"),
            instance["shardCount"],
            instance["replicaCount"],
            text("engineVersion"),
            address["address"].as_str().unwrap_or("-"),
            address["port"],
        );
    }
}

fn is_passing(instance: &Value) -> bool {
    instance["state"].as_str().is_some_and(|state| PASSING_STATES.contains(&state))
}

/// Every instance of every project, once the daemon is ready.
async fn look(http: &Http, endpoint: &str) -> Result<Vec<Value>> {
    fetch(http, endpoint, "/readyz").await?;
    let mut instances = Vec::new();
    let mut page_token = String::new();
    loop {
        let body = fetch(http, endpoint, &format!("/v1/projects/-/locations/-/instances?pageToken={page_token}")).await?;
        let mut page: Value = serde_json::from_slice(&body).context("parse the list of instances")?;
        if let Value::Array(found) = page["instances"].take() {
            instances.extend(found);
        }
        match page["nextPageToken"].as_str().filter(|token| !token.is_empty()) {
            Some(token) => page_token = token.to_owned(),
            None => return Ok(instances),
        }
    }
}

async fn fetch(http: &Http, endpoint: &str, path: &str) -> Result<Bytes> {
    let uri: Uri = format!("{}{path}", endpoint.trim_end_matches('/')).parse().context("form the daemon's address")?;
    let answer = tokio::time::timeout(ANSWER_TIMEOUT, http.get(uri)).await.context("the daemon does not answer")??;
    let status = answer.status();
    let body = answer.into_body().collect().await.context("read the daemon's answer")?.to_bytes();
    if status != StatusCode::OK {
        bail!("the daemon answered {status}: {}", String::from_utf8_lossy(&body).trim());
    }
    Ok(body)
}
