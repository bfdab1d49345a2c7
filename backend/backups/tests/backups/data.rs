//! Data of every type in every encoding that an engine has.

use crate::client::Client;
use crate::engine::{Engine, Node};
use crate::random::Random;

type Command = Vec<Vec<u8>>;

/// Far beyond any test.
const LATER_S: &str = "4102444800";

fn words(text: &str) -> Command {
    text.split(' ').map(|word| word.as_bytes().to_vec()).collect()
}

fn with(text: &str, more: &[&[u8]]) -> Command {
    let mut command = words(text);
    command.extend(more.iter().map(|word| word.to_vec()));
    command
}

/// How much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Amount {
    /// Some tens of kilobytes.
    Little,
    /// Some ten megabytes, with strings of megabytes and collections of thousands.
    Much,
}

/// Fills a node; gives how many function libraries it has then.
pub(crate) fn fill(engine: &Engine, node: &Node, amount: Amount) -> usize {
    let mut client = node.client();
    let mut random = Random::seeded(7);
    let many = if amount == Amount::Much { 3_000 } else { 150 };
    strings(&mut client, &mut random, amount);
    collections(&mut client, &mut random, many);
    streams(&mut client, many);
    if engine.is_9 {
        client.all(&[
            words("HSET hash:expiring a 1 b 2 c 3"),
            words(&format!("HEXPIREAT hash:expiring {LATER_S} FIELDS 2 a b")),
            words(&format!("HSETEX hash:all-expiring EXAT {LATER_S} FIELDS 1 only {LATER_S}")),
        ]);
    }
    let code = "#!lua name=mine\nserver.register_function('one', function() return 1 end)";
    let code = if engine.is_9 { code.to_owned() } else { code.replace("server.", "redis.") };
    client.all(&[with("FUNCTION LOAD", &[code.as_bytes()])]);
    1
}

fn strings(client: &mut Client, random: &mut Random, amount: Amount) {
    let mut commands = Vec::new();
    for number in
        ["0", "-1", "127", "128", "-129", "32768", "70000", "-2147483649", "9223372036854775807", "-9223372036854775808"]
    {
        commands.push(words(&format!("SET number:{number} {number}")));
    }
    commands.push(with("SET empty", &[b""]));
    commands.push(with("SET", &[b"", b"the empty name"]));
    commands.push(with("SET", &[b"\x00\xff\r\n name", b"\x00\xff\r\n"]));
    commands.push(with("SET repeating", &[&b"abc".repeat(3_000)]));
    commands.push(with("SET random", &[&random.bytes(5_000)]));
    commands.push(words("SETBIT bits 9000 1"));
    commands.push(words("PFADD loglog a b c d e f g"));
    commands.push(words(&format!("SET expiring here EXAT {LATER_S}")));
    let small = if amount == Amount::Much { 20_000 } else { 200 };
    commands.extend((0..small).map(|index| words(&format!("SET {{small:{index}}}:key value-of-{index}"))));
    if amount == Amount::Much {
        commands.push(with("SET large:repeating", &[&b"0123456789".repeat(500_000)]));
        commands.push(with("SET large:random", &[&random.bytes(5_000_000)]));
    }
    client.all(&commands);
}

fn collections(client: &mut Client, random: &mut Random, many: usize) {
    let numbers: Vec<String> = (0..many).map(|index| (index * 7_919).to_string()).collect();
    let numbers = numbers.join(" ");
    let texts: Vec<String> = (0..many).map(|index| format!("text-{index}")).collect();
    let texts = texts.join(" ");
    let scored: Vec<String> = (0..many).map(|index| format!("{}.25 member-{index}", index as i64 - 50)).collect();
    let fields: Vec<String> = (0..many).map(|index| format!("field-{index} {index}")).collect();
    client.all(&[
        words("RPUSH list:short a b c 1 -5 300 70000 -9000000000 9223372036854775807"),
        words(&format!("RPUSH list:numbers {numbers}")),
        words(&format!("RPUSH list:texts {texts}")),
        with("RPUSH list:plain a", &[&random.bytes(20_000), &b"x".repeat(30_000), b""]),
        words("SADD set:numbers -1 2 300"),
        words("SADD set:wide 1 9223372036854775807 -9223372036854775808"),
        words(&format!("SADD set:many-numbers {numbers}")),
        words("SADD set:texts a b 17"),
        words(&format!("SADD set:many-texts {texts}")),
        words("ZADD sorted:short 1 a 2.5 b -0.0 zero inf above -inf below 1e300 large 0.1 tenth"),
        words(&format!("ZADD sorted:many -0.0 zero inf above 0.1 tenth {}", scored.join(" "))),
        words("GEOADD sorted:geo 13.361389 38.115556 Palermo 15.087269 37.502669 Catania"),
        words("HSET hash:short a 1 b two c -3"),
        words(&format!("HSET hash:many {}", fields.join(" "))),
        with("HSET hash:large-value a 1 b", &[&random.bytes(10_000)]),
        words(&format!("EXPIREAT hash:short {LATER_S}")),
        words("RPUSH list:emptied a"),
        words("LPOP list:emptied"),
    ]);
}

fn streams(client: &mut Client, many: usize) {
    let mut commands: Vec<Command> =
        (1..=many).map(|index| words(&format!("XADD stream:long {index}-{} kind a value {index}", index % 3))).collect();
    commands.extend([
        words("XADD stream:long 900000-1 other fields altogether 17"),
        words("XDEL stream:long 2-2 3-0 7-1"),
        words("XGROUP CREATE stream:long first 0"),
        words("XGROUP CREATE stream:long second 5-0"),
        words("XGROUP CREATECONSUMER stream:long second idle"),
        words("XREADGROUP GROUP first alice COUNT 20 STREAMS stream:long >"),
        words("XREADGROUP GROUP first bob COUNT 5 STREAMS stream:long >"),
        words("XACK stream:long first 1-1 4-1 5-2"),
        words("XGROUP CREATE stream:empty waiting $ MKSTREAM"),
        words("XADD stream:emptied 5-5 a b"),
        words("XDEL stream:emptied 5-5"),
    ]);
    client.all(&commands);
}
