//! Benchmarks: the size and the cold start of each function, and the service under load.
//!
//! Sizes and counted instructions repeat from run to run, so they have goals that fail the run;
//! times depend on the machine and are printed. Everything runs on loopback against programs of the
//! same release build, and ends with this program.

mod cold;
mod connection;
mod dynamodb;
mod fixtures;
mod load;
mod operation;
mod peers;
mod process;
mod runtime_api;
mod signer;

use std::process::ExitCode;

use clap::{Parser, ValueEnum};

/// The result of a measurement, or why it failed.
type Measurement<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How far a goal may be missed, in per cent.
const LEEWAY: u64 = 10;

/// Something that must not grow.
struct Goal {
    what: String,
    most: u64,
    is: u64,
}

impl Goal {
    fn is_missed(&self) -> bool {
        self.is > self.most + self.most * LEEWAY / 100
    }
}

/// Measures release builds of the functions and of `kith serve`.
#[derive(Debug, Parser)]
struct Arguments {
    /// What to measure.
    #[arg(value_enum, default_value_t = Benchmark::All)]
    what: Benchmark,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Benchmark {
    /// All of it.
    All,
    /// Sizes and cold starts of the functions.
    Cold,
    /// Load on the service.
    Load,
}

fn main() -> ExitCode {
    match measure(Arguments::parse().what) {
        Ok(missed) if missed.is_empty() => ExitCode::SUCCESS,
        Ok(missed) => {
            for goal in missed {
                eprintln!(
                    "benches: {}: at most {} (+ {LEEWAY} %), is {}",
                    goal.what, goal.most, goal.is
                );
            }
            ExitCode::FAILURE
        }
        Err(failure) => {
            eprintln!("benches: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the goals that were missed.
fn measure(what: Benchmark) -> Measurement<Vec<Goal>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut goals = Vec::new();
    if what != Benchmark::Load {
        cold::sizes(&mut goals)?;
        runtime.block_on(cold::run(&mut goals))?;
    }
    if what != Benchmark::Cold {
        runtime.block_on(load::run())?;
    }
    Ok(goals.into_iter().filter(Goal::is_missed).collect())
}
