//! Work that keeps a thread busy for long: it runs beside the runtime's threads, a few jobs at a
//! time, so that it does not block other requests. A function of AWS Lambda has one request at a
//! time; `kith serve` has many.

use tokio::sync::Semaphore;

use crate::domain::error::{Error, Result};
use crate::domain::hashing::Hashes;
use crate::store::meter;

/// How much of one kind of work is done at a time. Callers wait in the order in which they came.
pub struct Bench {
    places: Semaphore,
    /// Counts a turn for the request that takes it.
    count: fn(),
}

/// Reading of files: each takes memory as its file does.
pub static FILES: Bench = Bench::of(1, || ());
/// Hashing of secrets: each hash takes 19 MiB, which all of them share.
pub static HASHES: Bench = Bench::of(1, meter::hashed);

impl Bench {
    const fn of(places: usize, count: fn()) -> Self {
        Self { places: Semaphore::const_new(places), count }
    }

    /// Waits for its turn, then does the work on a thread of its own.
    pub async fn run<T: Send + 'static>(
        &'static self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        // The place is taken until the work is done, whether or not its caller still waits.
        let place = self.places.acquire().await.map_err(Error::unexpected)?;
        (self.count)();
        let work = move || {
            let _place = place;
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(Error::unexpected)
    }
}

/// Makes the hashes that the present attempt of a request lacks; whether it lacked any.
pub async fn make_hashes(hashes: &Hashes) -> Result<bool> {
    let lacking = hashes.take_lacking();
    let any = !lacking.is_empty();
    for lacking in lacking {
        let work = lacking.clone();
        let hash = HASHES.run(move || work.make()).await?;
        hashes.add(lacking, hash);
    }
    Ok(any)
}

/// Whether both hashes of each pair come from the same value. This request made the first one. Each
/// pair costs a hash; `left` is how many pairs the request may still compare. Pairs beyond that
/// count as different.
pub async fn are_same_values(
    hashes: &Hashes,
    pairs: &[(&str, &str)],
    left: &mut usize,
) -> Result<bool> {
    if pairs.len() > *left {
        return Ok(false);
    }
    for (hash, other) in pairs {
        let Some(comparison) = hashes.comparison(hash, other) else { return Ok(false) };
        *left -= 1;
        if !HASHES.run(comparison).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn wk4_work_beside_the_runtime_is_done_one_after_another() {
        static BENCH: Bench = Bench::of(1, || ());
        static BUSY: AtomicUsize = AtomicUsize::new(0);
        let work = || {
            let busy = BUSY.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(std::time::Duration::from_millis(2));
            BUSY.fetch_sub(1, Ordering::SeqCst);
            busy
        };
        let all = futures_util::future::join_all((0..20).map(|_| BENCH.run(work))).await;
        assert!(all.into_iter().all(|busy| busy.unwrap() == 0));
    }
}
