//! The process that runs workflow scripts (rule A4): the language, and nothing else.
//!
//! `shared::script` argues why it is a process and holds the other end of its pipes. In here:
//!
//! - each job gets an engine of its own ([`engine`]), so nothing goes from one script to the next;
//! - the engine stops a script that exceeds its time, memory or stack; where it cannot,
//!   `shared::script` kills the process;
//! - the process cannot open a file or a socket and cannot start another, so that a script that
//!   breaks out of the engine finds itself with two pipes and an empty environment. Limits of the
//!   process see to that, and on Linux an allow-list of system calls.
//!
//! A function's `main` begins with `if sandbox::is_worker() { return sandbox::serve(); }`: the
//! worker is the same program, so there is nothing else to deploy and the two sides always speak
//! the same protocol. Then it calls [`protect`], so that a script that breaks out cannot read the
//! memory of its parent.

pub mod engine;
#[cfg(target_os = "linux")]
mod filter;

use std::io::{BufRead, Read, Write};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use shared::script::{Job, MAX_LINE, WORKER, WorkerLine};

/// The processor time after which the kernel ends a job, in seconds. The caller that waits for it
/// has killed the process long before; this is for a worker whose parent was killed.
const LAST_RESORT_SECONDS: u64 = 2;

/// The address space of the process, in bytes: last resort too, if the engine's own account of its
/// memory is wrong.
const ADDRESS_SPACE: u64 = 256 * 1024 * 1024;

/// Whether this process was started to run scripts.
#[must_use]
pub fn is_worker() -> bool {
    std::env::args_os().nth(1).is_some_and(|argument| argument == WORKER)
}

/// Reads scripts from standard input, one per line, runs them, and writes each answer to standard
/// output, until the input ends. Call it before anything else: it takes rights away from the whole
/// process.
#[must_use]
pub fn serve() -> ExitCode {
    let filtered = confine();
    let (mut jobs, mut answers) = (std::io::stdin().lock(), std::io::stdout().lock());
    loop {
        // Made before the job comes, while no caller waits.
        let engine = engine::ScriptEngine::new();
        let mut line = Vec::new();
        let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
        match (&mut jobs).take(limit).read_until(b'\n', &mut line) {
            Ok(0) => return ExitCode::SUCCESS,
            Ok(_) if line.ends_with(b"\n") => {}
            _ => return ExitCode::FAILURE,
        }
        grant_time();
        let (Some(engine), Ok(job)) = (engine, serde_json::from_slice::<Job>(&line)) else {
            return ExitCode::FAILURE;
        };
        // The answer leaves before the engine is freed: freeing aborts the process if a script made
        // the engine lose an object, and that shall be the next job's trouble, which gets
        // another process.
        let line = WorkerLine { reply: engine.run(&job), filtered };
        let answer = serde_json::to_vec(&line).map(|mut answer| {
            answer.push(b'\n');
            answer
        });
        let written = answer
            .is_ok_and(|answer| answers.write_all(&answer).and_then(|()| answers.flush()).is_ok());
        if !written {
            return ExitCode::FAILURE;
        }
    }
}

/// Closes the memory of this process to others of the same user, its own workers among them: no
/// `ptrace`, no `process_vm_readv`, no `/proc/<pid>/environ`. There are keys and credentials in it.
/// Call it before anything else; a system that cannot do it goes without it.
pub fn protect() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// Removes rights that a script does not need: new files and sockets, larger files, new processes,
/// core dumps, unlimited memory, and rights from a program that it executes. On a system without
/// one of these limits that limit is missing; the engine's own limits hold everywhere. Returns
/// whether the kernel filters system calls.
#[must_use]
pub fn confine() -> bool {
    protect();
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::set_no_new_privs(true);
    for (resource, limit) in [
        (Resource::Nofile, 0),
        (Resource::Fsize, 0),
        (Resource::Nproc, 0),
        (Resource::Core, 0),
        (Resource::As, ADDRESS_SPACE),
    ] {
        let _ = setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) });
    }
    #[cfg(target_os = "linux")]
    return filter::apply().is_ok();
    #[cfg(not(target_os = "linux"))]
    false
}

/// Lets the kernel end the process [`LAST_RESORT_SECONDS`] of processor time from now, counted in
/// whole seconds as it does.
///
/// The signal for a parent's death is no alternative: it comes with the death of the *thread* that
/// started the worker, and a runtime ends threads that have nothing to do. An idle worker sees its
/// input end.
fn grant_time() {
    let used = engine::processor_time().as_secs();
    let current = Some(used.saturating_add(LAST_RESORT_SECONDS));
    let _ = setrlimit(Resource::Cpu, Rlimit { current, maximum: getrlimit(Resource::Cpu).maximum });
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, dumpable_behavior};

    #[test]
    fn a_protected_process_shows_its_memory_to_nobody() {
        super::protect();
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    }
}
