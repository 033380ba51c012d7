//! Load: `kith serve --memory` on one core, connections that always wait for an answer on the
//! other.
//!
//! The service writes its log to `/dev/null`. Compare its processor time: requests per second
//! depend on the other load of the machine.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use local::demo;
use tokio::sync::OnceCell;
use tokio::task::JoinSet;

use crate::Measurement;
use crate::connection::{Connection, MeasuredService};
use crate::operation::Operation;
use crate::peers::PEERS;
use crate::process::{
    MEASURED, Scratch, has_two_cores, kith, most_memory, now, pin_to_measuring_core, whole_cpu,
};
use crate::signer::Signer;

/// How many connections at once.
const CONNECTIONS: [usize; 3] = [1, 16, 64];
/// At how many connections the peers were measured.
const COMPARED: usize = 16;
/// How long an operation is repeated before it is measured.
const WARM_UP: Duration = Duration::from_millis(500);
/// How long an operation is measured.
const MEASURED_FOR: Duration = Duration::from_secs(3);

/// The figures of one measurement.
struct LoadFigures {
    requests: u32,
    took: Duration,
    cpu: Duration,
    /// Sorted.
    latencies: Vec<Duration>,
}

impl LoadFigures {
    fn per_second(&self) -> f64 {
        f64::from(self.requests) / self.took.as_secs_f64()
    }

    /// µs of the service's processor per request.
    fn cost(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / f64::from(self.requests.max(1))
    }

    /// The latency that this many per cent of the requests stay below, in µs.
    fn latency(&self, per_cent: usize) -> u128 {
        let at = self.latencies.len().saturating_sub(1) * per_cent / 100;
        self.latencies.get(at).map_or(0, Duration::as_micros)
    }
}

/// A running service, ended when it is dropped.
struct Running {
    child: Child,
    service: Option<Arc<MeasuredService>>,
}

impl Running {
    fn start(folder: &Scratch, apart: bool) -> Measurement<Self> {
        let program = kith()?;
        let mut command = if apart {
            let mut command = Command::new("taskset");
            command.args(["-c", MEASURED]).arg(program);
            command
        } else {
            Command::new(program)
        };
        let mut child = command
            .args(["serve", "--memory", "--listen", "127.0.0.1:0", "--data"])
            .arg(&folder.0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        let listening = child.stdout.as_mut().map(|out| BufReader::new(out).read_line(&mut line));
        let mut running = Self { child, service: None };
        if listening.transpose()?.unwrap_or_default() == 0 {
            return Err("`kith serve` does not start".into());
        }
        let env = demo::read_env(&folder.0.join(demo::ENV_FILE))?;
        let variable = |name: &str| {
            env.get(name).cloned().ok_or("the demonstration's credentials are incomplete")
        };
        let url = variable("KITH_URL")?;
        running.service = Some(Arc::new(MeasuredService {
            authority: url.trim_start_matches("http://").to_owned(),
            client_id: variable("KITH_ADMIN_CLIENT_ID")?,
            client_secret: variable("KITH_ADMIN_CLIENT_SECRET")?,
            signer: Signer::new()?,
            signing_client: OnceCell::new(),
            people: OnceCell::new(),
            batch: OnceCell::new(),
            defined: OnceCell::new(),
        }));
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It holds nothing that has to be kept.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Measures every operation and prints the tables.
pub(crate) async fn run() -> Measurement {
    // Asked before this program is moved: afterwards it sees its own core alone.
    let apart = has_two_cores();
    if apart {
        pin_to_measuring_core()?;
    } else {
        println!("\nThere is one core: the load takes its share of it, and latencies say little.");
    }
    let folder = Scratch::new()?;
    let running = Running::start(&folder, apart)?;
    println!("\nLoad on `kith serve --memory`, one core, log to /dev/null\n");
    println!(
        "| operation | connections | requests/s | p50 µs | p99 µs | CPU µs per request \
         |\n|---|---|---|---|---|---|"
    );
    let mut compared = Vec::new();
    for operation in Operation::ALL {
        for connections in CONNECTIONS {
            let found = measure(&running, operation, connections).await?;
            println!(
                "| {} | {connections} | {:.0} | {} | {} | {:.0} |",
                operation.name(),
                found.per_second(),
                found.latency(50),
                found.latency(99),
                found.cost(),
            );
            if connections == COMPARED {
                compared.push(found.cost());
            }
        }
    }
    let bare = Signer::new()?.bare()?;
    println!("\nA bare ES256 signature of the same crate takes {} µs.", bare.as_micros());
    println!("The service held {} MB at most.", most_memory(running.child.id())?);
    compare(&compared);
    Ok(())
}

fn compare(ours: &[f64]) {
    println!("\nProcessor time per request of others, in units of ours ({COMPARED} connections)\n");
    let names: Vec<_> =
        Operation::ALL.iter().take(PEERS.first().map_or(0, |peer| peer.cost.len())).collect();
    let head: Vec<_> = names.iter().map(|operation| operation.name()).collect();
    println!("| | {} |\n|---|{}", head.join(" | "), "---|".repeat(head.len()));
    for peer in PEERS {
        let ratios = peer.cost.iter().zip(ours).map(|(theirs, ours)| match theirs {
            Some(theirs) => format!("{:.1}", f64::from(*theirs) / ours),
            None => String::new(),
        });
        println!("| {} | {} |", peer.name, ratios.collect::<Vec<_>>().join(" | "));
    }
}

async fn measure(
    running: &Running,
    operation: Operation,
    connections: usize,
) -> Measurement<LoadFigures> {
    let mut open = Vec::with_capacity(connections);
    for _ in 0..connections {
        let service = running.service.clone().ok_or("the service does not run")?;
        open.push(Connection::open(service).await?);
    }
    let begun = now() + WARM_UP;
    let until = begun + MEASURED_FOR;
    let mut tasks = JoinSet::new();
    for connection in open {
        tasks.spawn(repeat(connection, operation, begun, until));
    }
    tokio::time::sleep_until(begun.into()).await;
    let (before, cpu) = (now(), whole_cpu(running.child.id())?);
    tokio::time::sleep_until(until.into()).await;
    let (took, cpu) = (before.elapsed(), whole_cpu(running.child.id())?.saturating_sub(cpu));
    let mut latencies = Vec::new();
    while let Some(task) = tasks.join_next().await {
        latencies.extend(task??);
    }
    latencies.sort_unstable();
    Ok(LoadFigures { requests: u32::try_from(latencies.len())?, took, cpu, latencies })
}

/// Repeats an operation and returns how long each took that ended between the two times.
async fn repeat(
    mut connection: Connection,
    operation: Operation,
    begun: Instant,
    until: Instant,
) -> Measurement<Vec<Duration>> {
    let mut latencies = Vec::new();
    loop {
        let sent = now();
        connection.perform(operation).await?;
        let answered = now();
        if answered > until {
            return Ok(latencies);
        }
        if answered > begun {
            latencies.push(answered - sent);
        }
    }
}
