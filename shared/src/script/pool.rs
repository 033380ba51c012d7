//! The workers: started when they are needed, used again, killed when they do not answer in time.
//!
//! A worker belongs to the caller who waits for its answer, and goes back among the idle ones only
//! with the answer read to its end. Every other way out of a run, a dropped future among them,
//! drops the worker, and dropping kills it.

use std::collections::HashMap;
use std::io::{Error, ErrorKind};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout, timeout_at};

use super::{MAX_LINE, ScriptFailure, ScriptRun, line, read};
use crate::domain::Json;
use crate::domain::id::TenantId;

/// How long a worker may take to answer, its start included. The engine stops a script after a
/// tenth of this; what it cannot stop ends here.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(1);

/// How many workers may run at once. A fifth job waits for a worker, and the wait does not count
/// against its time limit.
pub(super) const MAX_WORKERS: usize = 4;
/// How many of them may run for one tenant, so that one is left for the others.
const OF_TENANT: usize = 3;
/// How many of them may run what callers try out, of all tenants together and of one.
const TRIALS: usize = 2;
const TRIALS_OF_TENANT: usize = 1;
/// How long a script waits for a worker. Callers in longer queues get 503.
const QUEUE_TIME: Duration = Duration::from_secs(2);

/// Runs scripts. A clone shares the workers.
#[derive(Clone, Debug)]
pub struct Scripts {
    pool: Arc<Pool>,
    /// The queues that a script passes before it gets a worker.
    queues: Vec<Arc<Semaphore>>,
}

#[derive(Debug)]
struct Pool {
    program: PathBuf,
    args: Vec<String>,
    turns: Semaphore,
    trials: Arc<Semaphore>,
    /// The queues of tenants, those of trials apart.
    tenants: Mutex<HashMap<(TenantId, bool), Arc<Semaphore>>>,
    idle: Mutex<Vec<WorkerProcess>>,
}

impl Scripts {
    /// Scripts that run in processes of `program` with `args`, which have to end in
    /// `sandbox::serve`. Starts none yet.
    #[must_use]
    pub fn new(program: PathBuf, args: Vec<String>) -> Self {
        let pool = Pool {
            program,
            args,
            turns: Semaphore::new(MAX_WORKERS),
            trials: Arc::new(Semaphore::new(TRIALS)),
            tenants: Mutex::default(),
            idle: Mutex::default(),
        };
        Self { pool: Arc::new(pool), queues: Vec::new() }
    }

    /// The same workers for scripts of a tenant, which leave some for other tenants.
    #[must_use]
    pub fn of(&self, tenant: &TenantId) -> Self {
        let queues = vec![self.pool.queue(tenant, false)];
        Self { pool: self.pool.clone(), queues }
    }

    /// The same workers for scripts that a caller of a tenant tries out, which leave some for
    /// scripts that writes wait for.
    #[must_use]
    pub fn trials_of(&self, tenant: &TenantId) -> Self {
        let queues = vec![self.pool.queue(tenant, true), self.pool.trials.clone()];
        Self { pool: self.pool.clone(), queues }
    }

    /// Runs `script` with `input` as its `workItem.input.value`, and answers what it gave
    /// `tb.simpleResponse`.
    ///
    /// Ends `TIME_LIMIT` after a worker was free for it, even if the script does not end; a worker
    /// that ran into a limit has ended by then too. Needs a tokio runtime with I/O and time.
    pub async fn run(&self, script: &str, input: &Json) -> Result<ScriptRun, ScriptFailure> {
        self.work(line(script, Some(input))?).await
    }

    /// Loads `script` without calling its `main`. Returns its fault, if it has one.
    pub async fn check(&self, script: &str) -> Result<(), ScriptFailure> {
        self.work(line(script, None)?).await.map(|_| ())
    }

    /// Waits for a worker: in the queues of the caller's share, then in that of all.
    async fn turn(&self) -> Result<Vec<SemaphorePermit<'_>>, ScriptFailure> {
        let wait = async {
            let mut places = Vec::new();
            for queue in self.queues.iter().map(|queue| &**queue).chain([&self.pool.turns]) {
                places.push(queue.acquire().await.ok()?);
            }
            Some(places)
        };
        match timeout(QUEUE_TIME, wait).await {
            Ok(Some(places)) => Ok(places),
            Ok(None) => Err(ScriptFailure::Unavailable),
            Err(_) => Err(ScriptFailure::Busy),
        }
    }

    async fn work(&self, job: Vec<u8>) -> Result<ScriptRun, ScriptFailure> {
        let _places = self.turn().await?;
        let deadline = Instant::now() + TIME_LIMIT;
        if let Some(worker) = self.pool.idle() {
            // An idle worker may have ended unseen (out of memory on the machine, an operator):
            // that is not the script's fault. If it is the script's after all, a new
            // worker ends the same way.
            match self.pool.ask(worker, &job, deadline).await {
                Err(ScriptFailure::Crashed) => {}
                answer => return answer,
            }
        }
        self.pool.ask(self.pool.start()?, &job, deadline).await
    }
}

impl Pool {
    /// The queue of a tenant's scripts. Unused queues are dropped.
    fn queue(&self, tenant: &TenantId, trials: bool) -> Arc<Semaphore> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        tenants.retain(|_, queue| Arc::strong_count(queue) > 1);
        let places = if trials { TRIALS_OF_TENANT } else { OF_TENANT };
        let new = || Arc::new(Semaphore::new(places));
        tenants.entry((tenant.clone(), trials)).or_insert_with(new).clone()
    }

    fn idle(&self) -> Option<WorkerProcess> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn start(&self) -> Result<WorkerProcess, ScriptFailure> {
        WorkerProcess::start(&self.program, &self.args).map_err(|error| {
            tracing::error!(%error, "cannot start a process that runs scripts");
            ScriptFailure::Unavailable
        })
    }

    async fn ask(
        &self,
        mut worker: WorkerProcess,
        job: &[u8],
        deadline: Instant,
    ) -> Result<ScriptRun, ScriptFailure> {
        let answer = match timeout_at(deadline, worker.ask(job)).await {
            Ok(Ok(answer)) => read(&answer),
            Ok(Err(_)) => Err(ScriptFailure::Crashed),
            Err(_) => Err(ScriptFailure::TimedOut {
                milliseconds: TIME_LIMIT.as_millis().try_into().unwrap_or(u64::MAX),
            }),
        };
        match &answer {
            Ok(_) | Err(ScriptFailure::Script { .. } | ScriptFailure::Output(_)) => {
                self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
            }
            // An engine that was stopped half-way or had no memory left is in a state that few have
            // tested.
            Err(_) => worker.end().await,
        }
        answer
    }
}

/// A process that runs one script at a time; dropping it kills it.
#[derive(Debug)]
struct WorkerProcess {
    process: Child,
    jobs: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl WorkerProcess {
    /// Starts one without environment (credentials are there), in no particular folder, and silent.
    fn start(program: &PathBuf, args: &[String]) -> Result<Self, Error> {
        let mut process = Command::new(program)
            .args(args)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let pipes = process.stdin.take().zip(process.stdout.take());
        let (jobs, answers) = pipes.ok_or(ErrorKind::BrokenPipe)?;
        Ok(Self { process, jobs, answers: BufReader::new(answers) })
    }

    /// Writes a line and reads one. More than one line is no answer.
    async fn ask(&mut self, job: &[u8]) -> Result<Vec<u8>, Error> {
        self.jobs.write_all(job).await?;
        let mut answer = Vec::new();
        let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
        (&mut self.answers).take(limit).read_until(b'\n', &mut answer).await?;
        if answer.ends_with(b"\n") && self.answers.buffer().is_empty() {
            Ok(answer)
        } else {
            Err(ErrorKind::UnexpectedEof.into())
        }
    }

    /// Kills the process and waits for its end.
    async fn end(mut self) {
        if let Err(error) = self.process.kill().await {
            tracing::error!(%error, "cannot end a process that ran a script");
        }
    }
}
