//! Many at once, on several threads (rules D1, D2, D3).

mod approvals;
mod definitions;
mod deletions;
mod personas;
mod users;

use std::future::IntoFuture;

use tests::{Answer, Call};
use tokio::task::JoinSet;

/// Sends all calls at once.
pub async fn at_once(calls: impl IntoIterator<Item = Call>) -> Vec<Answer> {
    let mut running = JoinSet::new();
    for call in calls {
        running.spawn(call.into_future());
    }
    running.join_all().await
}

/// How many answers have each of the statuses.
pub fn count(answers: &[Answer], statuses: &[u16]) -> Vec<usize> {
    statuses
        .iter()
        .map(|status| answers.iter().filter(|answer| answer.code() == *status).count())
        .collect()
}
