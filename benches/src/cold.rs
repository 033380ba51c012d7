//! Cold starts: a function's process from its start to its first request for an event, its first
//! invocation and later ones.
//!
//! A start is measured with the embedded trust store, as deployed. Invocations are measured over
//! TLS against an engine whose certificate no embedded root vouches for; there the function trusts
//! a system store of that one certificate.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use local::embedded::Embedded;
use local::table::LOCAL;
use tokio::process::{Child, Command};

use crate::dynamodb::Endpoint;
use crate::process::{Scratch, binary, fine_cpu, median, most_memory, ms, now};
use crate::runtime_api::RuntimeApi;
use crate::{Goal, Measurement, dynamodb, fixtures};

/// The functions.
pub(crate) const FUNCTIONS: [&str; 10] = [
    "token",
    "users",
    "personas",
    "definitions",
    "subjects",
    "login",
    "site",
    "sweeper",
    "stream",
    "mailer",
];
/// How often each is started.
const STARTS: usize = 41;
/// How often each start is invoked after the first time.
const WARM: usize = 20;
/// The most bytes of a function's program.
const MOST_BYTES: u64 = 6_000_000;
/// The most bytes of a function's program that checks JSON Schemas and runs scripts (ADR 0018).
const MOST_BYTES_WITH_FORMATS: u64 = 11_000_000;
/// The functions that do neither.
const LEAN: [&str; 5] = ["token", "subjects", "site", "stream", "mailer"];
/// The most instructions from a function's start to its first request for an event.
const MOST_INSTRUCTIONS: u64 = 2_000_000;
/// The most processor time of a first invocation, in ms: gathering entropy takes 30 and more.
const MOST_FIRST_CPU: u64 = 15;

/// Elapsed time and processor time.
#[derive(Clone, Copy, Default)]
struct Timing {
    wall: Duration,
    cpu: Duration,
}

/// One cold start and its invocations.
struct ColdStart {
    first: Timing,
    warm: Timing,
    memory: u64,
}

/// Prints sizes of the functions' programs.
pub(crate) fn sizes(goals: &mut Vec<Goal>) -> Measurement {
    println!("\nSize of each function, stripped\n\n| function | MB |\n|---|---|");
    for name in FUNCTIONS {
        let bytes = std::fs::metadata(binary(name)?)?.len();
        println!("| {name} | {}.{:02} |", bytes / 1_000_000, bytes % 1_000_000 / 10_000);
        let most = if LEAN.contains(&name) { MOST_BYTES } else { MOST_BYTES_WITH_FORMATS };
        goals.push(Goal { what: format!("bytes of {name}"), most, is: bytes });
    }
    Ok(())
}

/// Measures the functions one after the other and prints a table.
pub(crate) async fn run(goals: &mut Vec<Goal>) -> Measurement {
    let folder = Scratch::new()?;
    let engine = Embedded::memory()?;
    let events = fixtures::prepare(&engine, &folder).await?;
    let endpoint = dynamodb::serve(engine, &folder.0).await?;
    let mut api = RuntimeApi::serve().await?;
    println!(
        "\nCold start, medians of {STARTS}; instructions by callgrind; first and warm invocations \
         over TLS\n"
    );
    println!(
        "| function | start ms | start CPU ms | instructions | first ms | first CPU ms | warm µs \
         | warm CPU µs | MB held |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for name in FUNCTIONS {
        let event = events.of(name)?;
        let mut starts = Vec::with_capacity(STARTS);
        let mut runs = Vec::with_capacity(STARTS);
        for _ in 0..STARTS {
            starts.push(start(name, &mut api).await?);
            runs.push(invoke(name, &mut api, &endpoint, &event).await?);
        }
        let instructions = instructions(name, &mut api, &folder.0).await?;
        let of = |spent: &dyn Fn(&ColdStart) -> Duration| median(runs.iter().map(spent).collect());
        let started =
            |spent: &dyn Fn(&Timing) -> Duration| ms(median(starts.iter().map(spent).collect()));
        let first_cpu = of(&|run| run.first.cpu);
        println!(
            "| {name} | {:.2} | {:.2} | {}.{:03} M | {:.2} | {:.2} | {:.0} | {:.0} | {} |",
            started(&|spent| spent.wall),
            started(&|spent| spent.cpu),
            instructions / 1_000_000,
            instructions % 1_000_000 / 1000,
            ms(of(&|run| run.first.wall)),
            ms(first_cpu),
            ms(of(&|run| run.warm.wall)) * 1e3,
            ms(of(&|run| run.warm.cpu)) * 1e3,
            runs.iter().map(|run| run.memory).max().unwrap_or_default(),
        );
        goals.push(Goal {
            what: format!("instructions of {name}"),
            most: MOST_INSTRUCTIONS,
            is: instructions,
        });
        goals.push(Goal {
            what: format!("µs of processor in the first invocation of {name}"),
            most: MOST_FIRST_CPU * 1000,
            is: u64::try_from(first_cpu.as_micros())?,
        });
    }
    Ok(())
}

/// A function in the environment that Lambda gives, started by `through`.
fn function(through: &[&str], name: &str, api: &RuntimeApi) -> Measurement<Command> {
    let mut words = through.iter().map(Into::into).chain([binary(name)?]);
    let mut command = Command::new(words.next().ok_or("nothing to start")?);
    command
        .args(words)
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", name)
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}"))
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "2030/01/01/[$LATEST]0")
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
        .env("AWS_SESSION_TOKEN", "session")
        .env("LAMBDA_TASK_ROOT", "/var/task")
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("TZ", ":UTC")
        .env("KITH_TABLE", LOCAL)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true);
    Ok(command)
}

async fn start(name: &str, api: &mut RuntimeApi) -> Measurement<Timing> {
    let begun = now();
    let mut child = function(&[], name, api)?.spawn()?;
    let idle = api.idle().await?;
    let spent = Timing { wall: idle.since - begun, cpu: fine_cpu(id(&child)?)? };
    child.kill().await?;
    Ok(spent)
}

async fn invoke(
    name: &str,
    api: &mut RuntimeApi,
    endpoint: &Endpoint,
    event: &Bytes,
) -> Measurement<ColdStart> {
    let mut child = function(&[], name, api)?
        .env("AWS_ENDPOINT_URL_DYNAMODB", &endpoint.url)
        .env("KITH_SYSTEM_ROOTS", "1")
        .env("SSL_CERT_FILE", &endpoint.certificate)
        .spawn()?;
    let process = id(&child)?;
    let mut idle = api.idle().await?;
    let mut invocations = Vec::with_capacity(WARM + 1);
    for _ in 0..=WARM {
        let (begun, cpu) = (now(), fine_cpu(process)?);
        let (ended, answer) = api.invoke(idle, event).await?;
        idle = api.idle().await?;
        // The sweeper, which a schedule calls, answers with its report. The stream function answers
        // with an empty list of failures.
        let done = answer.get("statusCode").is_some_and(|status| status == 200)
            || answer.get("erasures").is_some()
            || answer
                .get("batchItemFailures")
                .and_then(serde_json::Value::as_array)
                .is_some_and(Vec::is_empty);
        if !done {
            return Err(format!("`{name}` answers {answer}").into());
        }
        invocations
            .push(Timing { wall: ended - begun, cpu: fine_cpu(process)?.saturating_sub(cpu) });
    }
    let memory = most_memory(process)?;
    child.kill().await?;
    let first = invocations.remove(0);
    let warm = Timing {
        wall: median(invocations.iter().map(|spent| spent.wall).collect()),
        cpu: median(invocations.iter().map(|spent| spent.cpu).collect()),
    };
    Ok(ColdStart { first, warm, memory })
}

/// Counts a function's instructions until it asks for an event.
async fn instructions(name: &str, api: &mut RuntimeApi, folder: &Path) -> Measurement<u64> {
    let profile = folder.join(format!("{name}.callgrind"));
    let out = format!("--callgrind-out-file={}", profile.display());
    let mut child = function(&["valgrind", "--quiet", "--tool=callgrind", &out], name, api)?
        .spawn()
        .map_err(|error| format!("`valgrind` does not start: {error}"))?;
    let idle = api.idle().await?;
    // Ended politely, so that the profile is written.
    let ended = Command::new("kill").arg(id(&child)?.to_string()).status().await?;
    child.wait().await?;
    drop(idle);
    let text = std::fs::read_to_string(profile)?;
    let total = text
        .lines()
        .find_map(|line| line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: ")));
    match total {
        Some(total) if ended.success() => Ok(total.trim().parse()?),
        _ => Err("callgrind has counted nothing".into()),
    }
}

fn id(child: &Child) -> Measurement<u32> {
    Ok(child.id().ok_or("the function has ended")?)
}
