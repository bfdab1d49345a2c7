//! Several connections to one node, for many commands of which each waits for something: a primary with replicas carries out
//! `CLUSTER SETSLOT` only when they have consented, and meanwhile nothing else of the same connection.
//!
//! Consents of commands that come over different connections come together. Lanes are opened when a link was slow, and stay
//! with it.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::{LinkError, NodeLink, Patience, Reply, Request};

/// Connections beside the first. More would not gain much: what is left is the engine's writing of its `nodes.conf`, once
/// for all that came together.
const LANES: usize = 16;
/// Commands that make opening lanes worth while.
const COMMANDS_MIN: usize = 8;
/// A command that takes longer waits for something: alone it takes some ten microseconds, and its share of a disk write.
const SLOW: Duration = Duration::from_micros(400);

impl NodeLink {
    /// Sends all commands, in no order, and gives their replies in the order of the commands.
    pub(super) async fn exchange_in_lanes<const N: usize>(
        &mut self,
        commands: &[[String; N]],
        patience: Patience,
    ) -> Result<Vec<Reply>, LinkError> {
        if self.wants_lanes && commands.len() >= COMMANDS_MIN {
            return self.exchange_over_lanes(commands, patience).await;
        }
        let begun = Instant::now();
        let replies = self.exchange(request(commands), patience).await?;
        let count = u32::try_from(commands.len()).unwrap_or(u32::MAX);
        self.wants_lanes |= begun.elapsed() > SLOW.saturating_mul(count);
        Ok(replies)
    }

    async fn exchange_over_lanes<const N: usize>(
        &mut self,
        commands: &[[String; N]],
        patience: Patience,
    ) -> Result<Vec<Reply>, LinkError> {
        let address = self.address;
        self.lanes.retain(|lane| !lane.spent);
        while self.lanes.len() < LANES {
            // Boxed: a lane is a link, and could have lanes of its own.
            let lane = Box::pin(Self::connect(address, &self.secret)).await?;
            self.lanes.push(lane);
        }
        let share = commands.len().div_ceil(LANES);
        let answers = timeout(patience.time_max, async {
            for (some, lane) in commands.chunks(share).zip(&mut self.lanes) {
                lane.send(&request(some)).await?;
            }
            let mut replies = Vec::with_capacity(commands.len());
            for (some, lane) in commands.chunks(share).zip(&mut self.lanes) {
                replies.extend(lane.receive(some.len(), patience.bytes_max).await?);
            }
            Ok(replies)
        });
        answers.await.map_err(|_elapsed| LinkError::Silent { address })?
    }
}

fn request<const N: usize>(commands: &[[String; N]]) -> Request {
    let mut request = Request::default();
    for words in commands {
        request.add(words);
    }
    request
}
