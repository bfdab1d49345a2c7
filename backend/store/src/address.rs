//! Allocation of instance addresses: always the lowest free number, so that addresses of a small installation stay few
//! and familiar. The table's unique index is what keeps an address from belonging to two instances; whether another
//! program has it is for the caller to say.

use rusqlite::{Connection, params};
use valkyard_model::{AddressBlock, InstanceAddress};

use crate::error::DatabaseError;

/// How instances of this machine are told apart; both kinds may live in one database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressPlan {
    /// Each has a loopback IP of its own.
    OwnIp {
        /// Where new ones are taken from.
        block: AddressBlock,
    },
    /// All share 127.0.0.1 and have ports of their own.
    SharedIp,
}

impl AddressPlan {
    /// The value of the `address_plan` column.
    fn as_str(self) -> &'static str {
        match self {
            Self::OwnIp { .. } => "own_ip",
            Self::SharedIp => "shared_ip",
        }
    }

    fn address(self, number: u32) -> Option<InstanceAddress> {
        match self {
            Self::OwnIp { block } => InstanceAddress::own_ip(block, number),
            Self::SharedIp => InstanceAddress::shared_ip(number),
        }
    }
}

/// A free address and the number it has in its plan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FreeAddress {
    pub(crate) plan: AddressPlan,
    pub(crate) number: u32,
    pub(crate) address: InstanceAddress,
}

impl FreeAddress {
    pub(crate) fn plan_column(&self) -> &'static str {
        self.plan.as_str()
    }
}

/// The outcome of looking for a free address.
#[derive(Debug)]
pub(crate) enum Allocation {
    Free(FreeAddress),
    /// No instance has one of these; other programs have.
    Occupied(Occupied),
    Exhausted {
        in_use: u32,
    },
}

/// Addresses that other programs listen on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Occupied {
    pub(crate) tried: u32,
    pub(crate) first: InstanceAddress,
    pub(crate) last: InstanceAddress,
}

/// How many addresses in a row may turn out to be occupied by other programs before the creation is refused. A probe takes
/// some ten microseconds and other writes wait meanwhile: 64 keep that near a millisecond. Only another daemon on the same
/// addresses occupies more than a few.
const PROBES_MAX: u32 = 64;

/// The lowest address of a plan that neither an instance nor, as `is_free` tells, another program has.
pub(crate) fn allocate(
    connection: &Connection,
    plan: AddressPlan,
    is_free: impl Fn(&InstanceAddress) -> bool,
) -> Result<Allocation, DatabaseError> {
    let sql = "SELECT address_number FROM instances WHERE address_plan = ?1 ORDER BY address_number";
    let mut statement = connection.prepare_cached(sql)?;
    let mut taken = statement.query_map(params![plan.as_str()], |row| row.get::<_, u32>(0))?;
    let mut next_taken = taken.next().transpose()?;
    let mut in_use = 0;
    let mut occupied: Option<Occupied> = None;
    for number in 0.. {
        if next_taken == Some(number) {
            in_use += 1;
            next_taken = taken.next().transpose()?;
            continue;
        }
        let Some(address) = plan.address(number) else { break };
        if is_free(&address) {
            return Ok(Allocation::Free(FreeAddress { plan, number, address }));
        }
        let (tried, first) = occupied.map_or((0, address), |before| (before.tried, before.first));
        occupied = Some(Occupied { tried: tried + 1, first, last: address });
        if tried + 1 == PROBES_MAX {
            break;
        }
    }
    Ok(occupied.map_or(Allocation::Exhausted { in_use }, Allocation::Occupied))
}
