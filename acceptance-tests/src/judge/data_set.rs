//! Data that nobody touches while an instance is changed: every type, big keys, lives, functions; the same afterwards.

use std::time::Duration;

use redis::cluster::{ClusterClient, ClusterConnection};
use serde_json::Value;

use crate::cluster::url;
use crate::wait::wait_until;

/// How long nodes that are gone may stay in somebody's layout: a killed one until it is back or replaced.
const LAYOUT_LIMIT: Duration = Duration::from_secs(10);
/// Elements of a big key: `MIGRATE` carries one in a piece.
const BIG_KEY_ELEMENTS: usize = 5_000;
/// Elements of one command.
const ELEMENTS_PER_COMMAND: usize = 500;
/// Life of keys and fields that expire: longer than any test.
const EXPIRE_SECS: &str = "7200";
const LIBRARY: &str = "#!lua name=judge\nserver.register_function('judge_answer', function() return 42 end)";

/// A fixed set of keys in an instance.
#[derive(Clone, Debug)]
pub struct DataSet {
    keys: Vec<(String, Vec<String>)>,
    dump: Vec<String>,
    has_field_lives: bool,
}

impl DataSet {
    /// Writes it: `copies` keys of each type, and one big one of some.
    ///
    /// # Panics
    /// When the instance refuses a command.
    #[must_use]
    pub fn write(instance: &Value, copies: usize) -> Self {
        let mut connection = connect(instance);
        let has_field_lives = instance["engineVersion"].as_str().is_some_and(|version| !version.starts_with("VALKEY_8"));
        let mut set = Self { keys: Vec::new(), dump: Vec::new(), has_field_lives };
        for copy in 0..copies {
            set.write_copy(&mut connection, copy);
        }
        for (name, command) in [("list", "RPUSH"), ("hash", "HSET"), ("zset", "ZADD"), ("set", "SADD")] {
            set.write_big(&mut connection, &format!("data:big:{name}"), command);
        }
        for address in primaries(&mut connection) {
            let loaded = crate::nodes::ask(&address, &["FUNCTION", "LOAD", "REPLACE", LIBRARY]);
            loaded.unwrap_or_else(|error| panic!("FUNCTION LOAD on {address}: {error}"));
        }
        set.dump = set.read(&mut connection);
        set
    }

    fn write_copy(&mut self, connection: &mut ClusterConnection, copy: usize) {
        let name = |kind: &str| format!("data:{kind}:{copy}");
        let text = "x".repeat(copy % 997);
        run(connection, &["SET", &name("string"), &text]);
        run(connection, &["SET", &name("living"), &text, "EX", EXPIRE_SECS]);
        run(connection, &["HSET", &name("hash"), "a", &text, "b", "2"]);
        if self.has_field_lives {
            run(connection, &["HEXPIRE", &name("hash"), EXPIRE_SECS, "FIELDS", "1", "a"]);
            self.keys.push((name("hash"), words(&["HEXPIRETIME", &name("hash"), "FIELDS", "2", "a", "b"])));
        }
        run(connection, &["RPUSH", &name("list"), "1", &text, "3"]);
        run(connection, &["SADD", &name("set"), "1", "2", "3"]);
        run(connection, &["ZADD", &name("zset"), "1.5", "a", "-2", "b"]);
        run(connection, &["XADD", &name("stream"), "1-1", "field", &text]);
        run(connection, &["XGROUP", "CREATE", &name("stream"), "readers", "0"]);
        run(connection, &["XREADGROUP", "GROUP", "readers", "one", "STREAMS", &name("stream"), ">"]);
        run(connection, &["PFADD", &name("log"), "a", "b"]);
        for (kind, reading) in [
            ("string", vec!["GET"]),
            ("living", vec!["GET"]),
            ("hash", vec!["HGETALL"]),
            ("list", vec!["LRANGE", "0", "-1"]),
            ("set", vec!["SMEMBERS"]),
            ("zset", vec!["ZRANGE", "0", "-1", "WITHSCORES"]),
            ("stream", vec!["XRANGE", "-", "+"]),
            ("log", vec!["PFCOUNT"]),
        ] {
            self.add(&name(kind), &reading);
        }
        self.add(&name("living"), &["EXPIRETIME"]);
        self.keys.push((name("stream"), words(&["XINFO", "GROUPS", &name("stream")])));
    }

    /// A key whose content is read by this command, with the key as its first argument.
    fn add(&mut self, key: &str, reading: &[&str]) {
        let command = [&[reading[0], key], &reading[1..]].concat();
        self.keys.push((key.to_owned(), words(&command)));
    }

    fn write_big(&mut self, connection: &mut ClusterConnection, key: &str, command: &str) {
        for first in (0..BIG_KEY_ELEMENTS).step_by(ELEMENTS_PER_COMMAND) {
            let mut whole = words(&[command, key]);
            for element in first..first + ELEMENTS_PER_COMMAND {
                whole.push(element.to_string());
                if matches!(command, "HSET" | "ZADD") {
                    whole.push(element.to_string());
                }
            }
            run(connection, &whole.iter().map(String::as_str).collect::<Vec<_>>());
        }
        let reading = match command {
            "RPUSH" => vec!["LRANGE", "0", "-1"],
            "HSET" => vec!["HGETALL"],
            "ZADD" => vec!["ZRANGE", "0", "-1"],
            _ => vec!["SMEMBERS"],
        };
        self.add(key, &reading);
    }

    fn read(&self, connection: &mut ClusterConnection) -> Vec<String> {
        self.keys.iter().map(|(_, command)| answer(connection, command)).collect()
    }

    /// Whether the instance still holds exactly this, with the function on every primary.
    ///
    /// # Errors
    /// What differs.
    pub fn is_intact(&self, instance: &Value) -> Result<(), String> {
        let mut connection = connect(instance);
        let mut differences = Vec::new();
        for ((command, before), now) in self.keys.iter().zip(&self.dump).zip(self.read(&mut connection)) {
            if *before != now && !is_rounded(command, before, &now) {
                let short = |text: &str| text.chars().take(200).collect::<String>();
                differences.push(format!("{:?}: {} became {}", command.1, short(before), short(&now)));
            }
        }
        // A node that is leaving, or was just killed, may still be in somebody's layout.
        let without = wait_until("every primary tells its functions", LAYOUT_LIMIT, || without_function(&mut connection));
        differences.extend(without);
        differences.truncate(10);
        if differences.is_empty() { Ok(()) } else { Err(differences.join("\n")) }
    }
}

/// The primaries that lack the function, and what they have.
fn without_function(connection: &mut ClusterConnection) -> Result<Vec<String>, String> {
    let mut without = Vec::new();
    for address in primaries(connection) {
        let answer = crate::nodes::ask(&address, &["FUNCTION", "LIST", "LIBRARYNAME", "judge"])?;
        if !answer.contains("judge_answer") {
            without.push(format!("{address} has no function of ours: {answer}"));
        }
    }
    Ok(without)
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn connect(instance: &Value) -> ClusterConnection {
    let client = ClusterClient::new(vec![url(instance)]).expect("a discovery endpoint makes a client");
    client.get_connection().expect("the instance answers")
}

/// Whether two answers are one end of life, told in seconds: an engine that moves keys one by one (`MIGRATE`) hands over how long
/// they have left, so that the time on the way is added, some milliseconds.
fn is_rounded((_, command): &(String, Vec<String>), before: &str, now: &str) -> bool {
    let seconds = |text: &str| text.strip_prefix("int(")?.strip_suffix(')')?.parse::<u64>().ok();
    let ends = seconds(before).zip(seconds(now)).filter(|_| command[0] == "EXPIRETIME");
    ends.is_some_and(|(before, now)| now == before + 1)
}

fn run(connection: &mut ClusterConnection, command: &[&str]) {
    let done: Result<redis::Value, _> = redis::cmd(command[0]).arg(&command[1..]).query(connection);
    done.unwrap_or_else(|error| panic!("{:?}: {error}", &command[..2]));
}

/// What a key answers, as text; what has no order is sorted, an error is an answer too.
fn answer(connection: &mut ClusterConnection, command: &[String]) -> String {
    let answer: Result<redis::Value, _> = redis::cmd(&command[0]).arg(&command[1..]).query(connection);
    match (command[0].as_str(), answer) {
        (_, Err(error)) => error.to_string(),
        ("SMEMBERS", Ok(redis::Value::Array(members))) => sorted(members.iter().map(|member| format!("{member:?}"))),
        ("HGETALL", Ok(redis::Value::Array(parts))) => sorted(parts.chunks(2).map(|pair| format!("{pair:?}"))),
        (_, Ok(answer)) => format!("{answer:?}"),
    }
}

fn sorted(parts: impl Iterator<Item = String>) -> String {
    let mut parts: Vec<String> = parts.collect();
    parts.sort_unstable();
    parts.join(" ")
}

fn primaries(connection: &mut ClusterConnection) -> Vec<String> {
    let listing: String = redis::cmd("CLUSTER").arg("NODES").query(connection).expect("some node answers");
    crate::nodes::parse_listing(&listing).into_iter().filter(|node| node.primary.is_none()).map(|node| node.address).collect()
}
