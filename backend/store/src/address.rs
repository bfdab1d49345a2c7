//! Allocation of instance addresses: always the lowest free number, so that addresses of a small installation stay few
//! and familiar. The table's unique index is what keeps an address from belonging to two instances.

use rusqlite::{Connection, OptionalExtension, params};
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
    Exhausted { in_use: u32 },
}

const LOWEST_GAP: &str = "
    SELECT taken.address_number + 1 FROM instances AS taken
    LEFT JOIN instances AS next
        ON next.address_plan = taken.address_plan AND next.address_number = taken.address_number + 1
    WHERE taken.address_plan = ?1 AND next.address_number IS NULL
    ORDER BY taken.address_number LIMIT 1";

/// The lowest free address of a plan.
pub(crate) fn allocate(connection: &Connection, plan: AddressPlan) -> Result<Allocation, DatabaseError> {
    let zero_is_taken: bool = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM instances WHERE address_plan = ?1 AND address_number = 0)")?
        .query_row(params![plan.as_str()], |row| row.get(0))?;
    let number: u32 = if zero_is_taken {
        connection.prepare_cached(LOWEST_GAP)?.query_row(params![plan.as_str()], |row| row.get(0)).optional()?.unwrap_or(0)
    } else {
        0
    };
    Ok(match plan.address(number) {
        Some(address) => Allocation::Free(FreeAddress { plan, number, address }),
        None => Allocation::Exhausted { in_use: number },
    })
}
