//! Ids of backups that the configuration does not name.
//!
//! Creating a backup calls it. Invariant: they look like those that the daemon gives, a time and eight hex digits. They are
//! made here because the API has no request id for backups: only a backup with a name of its own is found again when the
//! answer to its creation is lost.

use std::time::SystemTime;

use prost_types::Timestamp;
use uuid::Uuid;

/// Digits of a time up to the second.
const TIME_DIGITS: usize = 14;
/// Hex digits that tell apart what is made in one second.
const SALT_DIGITS: usize = 8;

/// The id of a backup made at `now`.
pub(super) fn made_up(now: SystemTime, salt: Uuid) -> String {
    let time = Timestamp::from(now).to_string();
    let digits: String = time.chars().filter(char::is_ascii_digit).take(TIME_DIGITS).collect();
    let salt = salt.simple().to_string();
    format!("{digits}_{}", &salt[..SALT_DIGITS])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::backup::name::is_backup_id;

    #[test]
    fn it_is_the_time_and_eight_hex_digits() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_790_000_000_250);
        let id = made_up(now, Uuid::from_u128(0x5f0a_9b3e_8f0e_4a52_9d38_0f3b_9a4c_1d77));
        assert_eq!(id, "20260921141320_5f0a9b3e");
        assert!(is_backup_id(&id));
    }
}
