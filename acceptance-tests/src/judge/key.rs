//! The keys of a load: what they are, how they are written and read, and in which slot they lie.

use redis::{Cmd, Value, cmd};

/// Life of keys that expire: longer than any load, so that one that is gone was lost.
const EXPIRE_SECS: u64 = 7_200;
/// Number of slots of a cluster.
const SLOTS: u16 = 16_384;

/// What lies under a key, which says how values get there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `SET … GET`: the answer tells the value before, so that each write is also a read.
    Register,
    /// `SET … EX`: like a register, and still to expire at the end.
    Expiring,
    /// `HSET` of a field of its own per value.
    Hash,
    /// `RPUSH`.
    List,
    /// `ZADD`.
    SortedSet,
    /// `XADD`.
    Stream,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Register, Self::Expiring, Self::Hash, Self::List, Self::SortedSet, Self::Stream];

    /// Whether every value stays, so that a lost one is missed also after later ones.
    #[must_use]
    pub fn keeps_all(self) -> bool {
        match self {
            Self::Register | Self::Expiring => false,
            Self::Hash | Self::List | Self::SortedSet | Self::Stream => true,
        }
    }

    /// Its name in the plan of a Python client.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Expiring => "expiring",
            Self::Hash => "hash",
            Self::List => "list",
            Self::SortedSet => "sorted_set",
            Self::Stream => "stream",
        }
    }
}

/// A key with one client that writes to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// The index of its client.
    pub client: usize,
}

impl Key {
    /// The slot it lies in.
    #[must_use]
    pub fn slot(&self) -> u16 {
        slot_of(&self.name)
    }

    pub(super) fn write(&self, value: u64) -> Cmd {
        let mut command = match self.kind {
            Kind::Register | Kind::Expiring => cmd("SET"),
            Kind::Hash => cmd("HSET"),
            Kind::List => cmd("RPUSH"),
            Kind::SortedSet => cmd("ZADD"),
            Kind::Stream => cmd("XADD"),
        };
        command.arg(&self.name);
        match self.kind {
            Kind::Register => command.arg(value).arg("GET"),
            Kind::Expiring => command.arg(value).arg("EX").arg(EXPIRE_SECS),
            Kind::Hash | Kind::SortedSet => command.arg(value).arg(value),
            Kind::List => command.arg(value),
            Kind::Stream => command.arg("*").arg("n").arg(value),
        };
        command
    }

    /// Asks for the newest value; `newest` is the newest that was acknowledged.
    pub(super) fn read(&self, newest: u64) -> Cmd {
        let (name, rest): (&str, &[&str]) = match self.kind {
            Kind::Register | Kind::Expiring => ("GET", &[]),
            Kind::Hash => ("HGET", &[]),
            Kind::List => ("LINDEX", &["-1"]),
            Kind::SortedSet => ("ZRANGE", &["-1", "-1"]),
            Kind::Stream => ("XREVRANGE", &["+", "-", "COUNT", "1"]),
        };
        let mut command = cmd(name);
        command.arg(&self.name).arg(rest);
        if self.kind == Kind::Hash {
            command.arg(newest);
        }
        command
    }

    /// Asks for everything under it.
    pub(super) fn read_all(&self) -> Cmd {
        let (name, rest): (&str, &[&str]) = match self.kind {
            Kind::Register | Kind::Expiring => ("GET", &[]),
            Kind::Hash => ("HVALS", &[]),
            Kind::List => ("LRANGE", &["0", "-1"]),
            Kind::SortedSet => ("ZRANGE", &["0", "-1"]),
            Kind::Stream => ("XRANGE", &["-", "+"]),
        };
        let mut command = cmd(name);
        command.arg(&self.name).arg(rest);
        command
    }
}

/// Every value in an answer, in its order. Stream ids and field names are none: they are not plain numbers.
pub(super) fn values_in(answer: &Value) -> Vec<u64> {
    if let Value::Array(parts) = answer {
        return parts.iter().flat_map(values_in).collect();
    }
    let text = redis::from_redis_value_ref::<String>(answer).unwrap_or_default();
    text.parse().into_iter().collect()
}

/// The slot of a key without a hash tag: CRC16/XMODEM modulo the number of slots.
#[must_use]
pub fn slot_of(name: &str) -> u16 {
    let crc = name.bytes().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 })
    });
    crc % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_engine() {
        assert_eq!((slot_of("123456789"), slot_of("foo"), slot_of("bar")), (12_739, 12_182, 5_061));
    }
}
