//! A gate at which a call of the table waits.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

/// How long a test waits for a call that may never come, so that it fails and does not hang.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where a call waits until the test lets it go on: what happens in between is up to the test.
#[derive(Debug)]
pub struct Gate {
    reached: Semaphore,
    open: Semaphore,
}

impl Gate {
    /// A closed gate.
    pub fn closed() -> Arc<Self> {
        Arc::new(Self { reached: Semaphore::new(0), open: Semaphore::new(0) })
    }

    /// Waits until a call stands at the gate; fails when none comes.
    pub async fn reached(&self) {
        let call = tokio::time::timeout(PATIENCE, self.reached.acquire()).await;
        call.expect("a call comes to the gate").expect("the gate is never torn down").forget();
    }

    /// Lets one call go on.
    pub fn open(&self) {
        self.open.add_permits(1);
    }

    /// Stands at the gate until it is opened.
    pub(crate) async fn pass(&self) {
        self.reached.add_permits(1);
        self.open.acquire().await.expect("the gate is never torn down").forget();
    }
}
