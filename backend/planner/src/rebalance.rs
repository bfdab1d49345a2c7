//! Which slots go where: from who owns what to even shares, moving as little as possible. Pure arithmetic.
//!
//! Called by `moves` with what is owned now, so it is worked out anew after each part of the way; it remembers nothing. Its
//! invariant: shards that stay end within one slot of each other, shards that leave end with none, and no slot moves twice.

use valkyard_model::{SLOT_COUNT, ShardIndex, SlotSet};

/// What a shard owns, and whether it stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holding {
    pub(crate) shard: ShardIndex,
    pub(crate) slots: SlotSet,
    pub(crate) stays: bool,
}

/// Slots on their way from one shard to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Move {
    pub(crate) from: ShardIndex,
    pub(crate) to: ShardIndex,
    pub(crate) slots: SlotSet,
}

/// The moves that make these holdings even. Each donor gives its highest slots; donors and receivers are paired in order, so
/// that a pair stays together until one of the two is done.
pub(crate) fn decide_moves(holdings: &[Holding]) -> Vec<Move> {
    let targets = targets(holdings);
    let mut receivers = holdings.iter().zip(&targets).filter_map(|(holding, target)| {
        let count = target.saturating_sub(holding.slots.count());
        (count > 0).then_some((holding.shard, count))
    });
    let mut receiver = receivers.next();
    let mut moves = Vec::new();
    for (holding, target) in holdings.iter().zip(&targets) {
        let mut slots = holding.slots.highest(holding.slots.count().saturating_sub(*target));
        while let Some((to, count)) = receiver.filter(|_| !slots.is_empty()) {
            let share = slots.highest(count);
            slots = slots.without(&share);
            receiver = Some((to, count - share.count())).filter(|(_, left)| *left > 0).or_else(|| receivers.next());
            moves.push(Move { from: holding.shard, to, slots: share });
        }
    }
    moves
}

/// How many slots each shard ends with: even shares, and an odd one more for some.
fn targets(holdings: &[Holding]) -> Vec<u16> {
    let owned: u32 = holdings.iter().map(|holding| u32::from(holding.slots.count())).sum();
    let owned = u16::try_from(owned).unwrap_or(SLOT_COUNT).min(SLOT_COUNT);
    let staying = u16::try_from(holdings.iter().filter(|holding| holding.stays).count()).unwrap_or(u16::MAX);
    if staying == 0 {
        return holdings.iter().map(|holding| holding.slots.count()).collect();
    }
    let (share, mut odd) = (owned / staying, owned % staying);
    let mut order: Vec<usize> = (0..holdings.len()).filter(|index| holdings[*index].stays).collect();
    order.sort_by_key(|index| {
        let count = holdings[*index].slots.count();
        // First who has to receive anyway, then who has the odd one already: so most donors have one receiver each.
        let turn = if count < share { 0 } else { 1 + u8::from(count != share + 1) };
        (turn, std::cmp::Reverse(count), holdings[*index].shard)
    });
    let mut targets = vec![0; holdings.len()];
    for index in order {
        targets[index] = share + u16::from(odd > 0);
        odd = odd.saturating_sub(1);
    }
    targets
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use valkyard_model::{SlotRange, even_shares};

    use super::*;

    fn even(shards: u16, staying: u16) -> Vec<Holding> {
        let shares = even_shares(shards);
        let holding = |(index, share): (u16, &SlotRange)| Holding {
            shard: ShardIndex(index),
            slots: [*share].into_iter().collect(),
            stays: index < staying,
        };
        let mut holdings: Vec<Holding> = (0..).zip(&shares).map(holding).collect();
        holdings.extend((shards..staying).map(|index| Holding {
            shard: ShardIndex(index),
            slots: SlotSet::default(),
            stays: true,
        }));
        holdings
    }

    fn carry_out(holdings: &mut [Holding], moves: &[Move]) {
        for one in moves {
            for holding in holdings.iter_mut() {
                if holding.shard == one.from {
                    assert_eq!(holding.slots.shared_with(&one.slots), one.slots, "moves what it has");
                    holding.slots = holding.slots.without(&one.slots);
                } else if holding.shard == one.to {
                    holding.slots = holding.slots.union(&one.slots);
                }
            }
        }
    }

    fn assert_even(holdings: &[Holding]) {
        let counts: Vec<u16> = holdings.iter().filter(|holding| holding.stays).map(|holding| holding.slots.count()).collect();
        assert!(counts.iter().max().expect("some") - counts.iter().min().expect("some") <= 1, "{counts:?}");
        assert!(holdings.iter().all(|holding| holding.stays || holding.slots.is_empty()), "{holdings:?}");
        assert_eq!(holdings.iter().fold(SlotSet::default(), |all, holding| all.union(&holding.slots)), SlotSet::all());
    }

    #[test]
    fn doubling_moves_half_of_each_shard_to_a_shard_of_its_own() {
        let moves = decide_moves(&even(3, 6));
        assert_eq!(moves.len(), 3);
        assert!(moves.iter().all(|one| (2_730..=2_731).contains(&one.slots.count())), "{moves:?}");
    }

    #[test]
    fn an_even_instance_moves_nothing() {
        for shards in [1, 2, 3, 7, 250] {
            assert_eq!(decide_moves(&even(shards, shards)), vec![], "{shards} shards");
        }
    }

    proptest! {
        #[test]
        fn any_holdings_become_even_and_stay_so(
            owners in prop::collection::vec(0_u16..9, 40),
            staying in 1_u16..12,
        ) {
            let mut holdings: Vec<Holding> = (0..staying.max(9))
                .map(|index| Holding { shard: ShardIndex(index), slots: SlotSet::default(), stays: index < staying })
                .collect();
            for (range, owner) in even_shares(40).into_iter().zip(owners) {
                let slots = [range].into_iter().collect();
                let holding = &mut holdings[usize::from(owner)];
                holding.slots = holding.slots.union(&slots);
            }
            let moves = decide_moves(&holdings);
            let mut half = holdings.clone();
            carry_out(&mut half, &moves[..moves.len() / 2]);
            carry_out(&mut holdings, &moves);
            assert_even(&holdings);
            prop_assert_eq!(decide_moves(&holdings), vec![]);
            let rest = decide_moves(&half);
            carry_out(&mut half, &rest);
            assert_even(&half);
        }
    }
}
