//! Processes under measurement: where they run, how long they take by the clock and how much of a
//! processor they use.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::Measurement;

/// The core of the measured program.
pub(crate) const MEASURED: &str = "0";
/// The core of the measuring program.
const MEASURING: &str = "1";

/// Now, by the monotonic clock.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "benchmarks measure real time, which no test owns")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The folder of this program, where the other programs of the same build are.
fn folder() -> Measurement<PathBuf> {
    let program = std::env::current_exe()?;
    Ok(program.parent().ok_or("this program is in no folder")?.to_owned())
}

/// A function, built like this program.
pub(crate) fn binary(name: &str) -> Measurement<PathBuf> {
    built(folder()?.join(name))
}

/// The program `kith`, built for speed: its profile has a folder of its own.
pub(crate) fn kith() -> Measurement<PathBuf> {
    built(folder()?.join("../server/kith"))
}

fn built(path: PathBuf) -> Measurement<PathBuf> {
    if path.exists() {
        Ok(path)
    } else {
        Err(format!("`{}` is not built: run `just bench`", path.display()).into())
    }
}

/// Whether there are enough cores to separate the measuring program from the measured one.
#[must_use]
pub(crate) fn has_two_cores() -> bool {
    std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1)
}

/// Moves this program to its own core; must be called before it starts threads.
pub(crate) fn pin_to_measuring_core() -> Measurement {
    let id = std::process::id().to_string();
    let moved = Command::new("taskset").args(["-a", "-c", "-p", MEASURING, &id]).output()?;
    if moved.status.success() {
        Ok(())
    } else {
        Err("`taskset` cannot choose this program's core".into())
    }
}

/// Processor time of a process since its start, all its threads together, in steps of the
/// scheduler's clock (ns). Threads that ended are left out.
pub(crate) fn fine_cpu(id: u32) -> Measurement<Duration> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{id}/task"))? {
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        sum += text.split(' ').next().unwrap_or_default().parse::<u64>()?;
    }
    Ok(Duration::from_nanos(sum))
}

/// Processor time of a process since its start, ended threads included, in steps of 10 ms.
pub(crate) fn whole_cpu(id: u32) -> Measurement<Duration> {
    let text = fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The second field is the program's name in parentheses and may hold anything; utime and stime
    // are 14 and 15.
    let (_, fields) = text.rsplit_once(')').ok_or("the process has no statistics")?;
    let ticks = fields
        .split_ascii_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse::<u64>)
        .sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * 10))
}

/// The most memory that a process has held, in MB.
pub(crate) fn most_memory(id: u32) -> Measurement<u64> {
    let text = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .ok_or("the process has no memory")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? / 1024)
}

/// The middle one of several measurements.
pub(crate) fn median(mut values: Vec<Duration>) -> Duration {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Milliseconds with their fraction.
#[must_use]
pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// A folder for one run, gone when it is dropped.
pub(crate) struct Scratch(pub PathBuf);

impl Scratch {
    /// Makes one where the system keeps such.
    pub(crate) fn new() -> Measurement<Self> {
        let path = std::env::temp_dir().join(format!("kith-benches-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // If this fails, a few small files remain in the system's temporary folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}
