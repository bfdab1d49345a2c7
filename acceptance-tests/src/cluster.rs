//! A real cluster client that knows only the discovery endpoint.

use redis::Commands;
use redis::cluster::ClusterClient;

use serde_json::Value;

/// The discovery endpoint of an instance as the API shows it, as a connection URL.
#[must_use]
pub fn url(instance: &Value) -> String {
    let endpoint = &instance["discoveryEndpoints"][0];
    let address = endpoint["address"].as_str().unwrap_or_else(|| panic!("no discovery endpoint: {instance}"));
    format!("redis://{address}:{}", endpoint["port"])
}

/// Writes `count` keys.
///
/// # Errors
/// The client's error, in words.
pub fn write_keys(instance: &Value, prefix: &str, count: u32) -> Result<(), String> {
    let client = ClusterClient::new(vec![url(instance)]).map_err(|error| error.to_string())?;
    let mut connection = client.get_connection().map_err(|error| error.to_string())?;
    for number in 0..count {
        let set: Result<(), _> = connection.set(format!("{prefix}:{number}"), number);
        set.map_err(|error| format!("SET {prefix}:{number}: {error}"))?;
    }
    Ok(())
}

/// How many of `count` keys written by [`write_keys`] come back with their value.
///
/// # Errors
/// The client's error, in words.
pub fn read_back(instance: &Value, prefix: &str, count: u32) -> Result<u32, String> {
    let client = ClusterClient::new(vec![url(instance)]).map_err(|error| error.to_string())?;
    let mut connection = client.get_connection().map_err(|error| error.to_string())?;
    let mut found = 0;
    for number in 0..count {
        let value: Option<u32> = connection.get(format!("{prefix}:{number}")).map_err(|error| error.to_string())?;
        found += u32::from(value == Some(number));
    }
    Ok(found)
}
