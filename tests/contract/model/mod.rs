//! Random histories against models that fit on a few pages: whatever comes in whatever order, the
//! service does what the model does.
//!
//! A failure prints the seed and the shortest history that was found; `PROPTEST_RNG_SEED=<seed>`
//! runs the same histories again, `PROPTEST_CASES=<n>` runs more of them.

mod attributes;
mod changes;
mod configure;
mod histories;
mod tenant;
mod users;

use proptest::test_runner::{Config, RngSeed};
use shared::env::Env;

/// The configuration of `cases` histories with a seed that is known.
pub fn config(cases: u32) -> Config {
    let given = Config::default();
    let seed = match given.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => Env::default().random.below(u64::MAX),
    };
    eprintln!("PROPTEST_RNG_SEED={seed}");
    let cases = if given.cases == 256 { cases } else { given.cases };
    Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_time: 60_000,
        ..given
    }
}
