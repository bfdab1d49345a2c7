//! Who is at work on what, within this process.
//!
//! Owns [`Claims`]. Making a backup policy uses it: an instance has one policy, and Terraform makes two resources at the
//! same time, each of which would find none. Invariant: of several that claim a name at the same time, one gets it.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Names that somebody works on.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    /// Short and without waiting: held for one look at the set.
    names: Mutex<BTreeSet<String>>,
}

/// The right to work on a name, until it is dropped.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    claims: &'a Claims,
    name: String,
}

impl Claims {
    /// The claim, unless somebody else has it.
    pub(crate) fn claim(&self, name: &str) -> Option<Claim<'_>> {
        let is_free = self.names.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        is_free.then(|| Claim { claims: self, name: name.to_owned() })
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.claims.names.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_claim_at_a_time() {
        let claims = Claims::default();
        let first = claims.claim("a");
        assert!(first.is_some() && claims.claim("a").is_none() && claims.claim("b").is_some());
        drop(first);
        assert!(claims.claim("a").is_some());
    }
}
