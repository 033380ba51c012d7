//! One `QuickJS` engine for one script.
//!
//! It has the language's own objects without those that know the time, make randomness or reach
//! outside (no `Date`, no typed arrays, no proxies, no modules), and `tb` (`prelude.js`). So the
//! same script with the same input has the same output, always; only whether it stays within the
//! limits may differ between machines.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use rquickjs::context::{EvalOptions, intrinsic};
use rquickjs::{Coerced, Context, Ctx, Error, FromJs, Function, Persistent, Runtime, Value};
use rustix::time::{ClockId, clock_gettime};
use serde_json::value::RawValue;
use shared::domain::definition::MAX_SCRIPT;
use shared::script::{Job, MAX_OUTPUT, ScriptFailure, WorkerReply};

/// How long a script may run. Processor time, so that a busy machine or a small Lambda function
/// does not refuse what another allows; time that passes otherwise is limited by the caller that
/// waits for the worker.
pub const TIME: Duration = Duration::from_millis(100);

/// The memory for a script's objects and its output, beside what the engine and the input take, in
/// bytes.
pub const MEMORY: usize = 512 * 1024;

/// The memory for each byte of a script's text, in bytes. Code as people write it takes 7 to 13
/// while it is compiled, the densest statements 22; when less is left, the engine reports syntax
/// errors where there are none.
pub const MEMORY_PER_BYTE: usize = 24;

/// The stack for a script's calls, in bytes.
pub const STACK: usize = 256 * 1024;

/// Memory for the error message, when the script has used up its own.
const LAST_WORDS: usize = 64 * 1024;

/// The file name of a script in a stack trace.
const SCRIPT: &str = "script";

type Language = (
    intrinsic::Eval,
    intrinsic::RegExpCompiler,
    intrinsic::RegExp,
    intrinsic::Json,
    intrinsic::MapSet,
    intrinsic::Promise,
);

/// An engine that has not run its script yet.
pub struct ScriptEngine {
    // Held in the order in which they have to be freed.
    call: Persistent<Function<'static>>,
    context: Context,
    runtime: Runtime,
}

impl ScriptEngine {
    /// A new engine, unless there is no memory for one.
    #[must_use]
    pub fn new() -> Option<Self> {
        let runtime = Runtime::new().ok()?;
        runtime.set_max_stack_size(STACK);
        let context = Context::custom::<Language>(&runtime).ok()?;
        let call = context
            .with(|ctx| {
                eval::<Function>(&ctx, "prelude", include_str!("prelude.js"))
                    .map(|call| Persistent::save(&ctx, call))
            })
            .ok()?;
        Some(Self { call, context, runtime })
    }

    /// Runs the script. The engine is to be dropped after that; dropping it may end the process.
    #[must_use]
    pub fn run(&self, job: &Job) -> WorkerReply {
        self.attempt(job).unwrap_or_else(WorkerReply::Failed)
    }

    fn attempt(&self, job: &Job) -> Result<WorkerReply, ScriptFailure> {
        if job.script.chars().count() > MAX_SCRIPT {
            return Err(script_failure(format!(
                "expected a script of at most {MAX_SCRIPT} characters"
            )));
        }
        let input = self
            .context
            .with(|ctx| {
                let parse = |input: &RawValue| {
                    ctx.json_parse(input.get()).map(|input| Persistent::save(&ctx, input))
                };
                job.input.as_deref().map(parse).transpose()
            })
            .map_err(|_| script_failure("cannot read the input of the script".to_owned()))?;
        // The memory of the input does not count as memory of the script.
        let held = input.clone();
        let before = self.memory();
        let limit = MEMORY + MEMORY_PER_BYTE * job.script.len();
        self.runtime.set_memory_limit(before + limit);
        let clock = ScriptClock::start(&self.runtime);
        let result = self.context.with(|ctx| call(&ctx, self.call.clone(), input, &job.script));
        let milliseconds = clock.elapsed().as_secs_f64() * 1000.0;
        match result {
            // A script may catch what was meant to stop it.
            _ if clock.stopped() => Err(ScriptClock::failure()),
            Ok(output) if output.len() > MAX_OUTPUT => Err(ScriptFailure::Output(format!(
                "the output is longer than {} KB",
                MAX_OUTPUT / 1024
            ))),
            Ok(output) => {
                let output = RawValue::from_string(output)
                    .map_err(|_| ScriptFailure::Output("the output is not JSON".to_owned()))?;
                let memory_bytes =
                    u64::try_from(self.memory().saturating_sub(before)).unwrap_or(u64::MAX);
                drop(held);
                Ok(WorkerReply::Ran { output, milliseconds, memory_bytes })
            }
            Err(thrown) => {
                self.runtime.set_memory_limit(self.memory().max(before + limit) + LAST_WORDS);
                let failure = self.context.with(|ctx| explain(&ctx, thrown, limit));
                // Saying what was thrown may run the script's code.
                Err(if clock.stopped() { ScriptClock::failure() } else { failure })
            }
        }
    }

    fn memory(&self) -> usize {
        usize::try_from(self.runtime.memory_usage().malloc_size).unwrap_or(0)
    }
}

/// The processor time that this process has used.
#[must_use]
pub fn processor_time() -> Duration {
    read(ClockId::ProcessCPUTime)
}

fn read(clock: ClockId) -> Duration {
    let now = clock_gettime(clock);
    Duration::new(now.tv_sec.try_into().unwrap_or(0), now.tv_nsec.try_into().unwrap_or(0))
}

/// The time limit of one script; stops the script when it has passed.
struct ScriptClock {
    /// When it started, by a clock that is finer than some systems' account of processor time.
    start: Duration,
    stopped: Rc<Cell<bool>>,
}

impl ScriptClock {
    fn start(runtime: &Runtime) -> Self {
        let (used, stopped) = (processor_time(), Rc::new(Cell::new(false)));
        let flag = Rc::clone(&stopped);
        runtime.set_interrupt_handler(Some(Box::new(move || {
            flag.set(flag.get() || processor_time().saturating_sub(used) > TIME);
            flag.get()
        })));
        Self { start: read(ClockId::Monotonic), stopped }
    }

    fn elapsed(&self) -> Duration {
        read(ClockId::Monotonic).saturating_sub(self.start)
    }

    fn stopped(&self) -> bool {
        self.stopped.get()
    }

    fn failure() -> ScriptFailure {
        ScriptFailure::TimedOut {
            milliseconds: u64::try_from(TIME.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

type Thrown = Option<Persistent<Value<'static>>>;

/// Loads the script and calls its `main` if there is an input; what was thrown, if anything was.
fn call(
    ctx: &Ctx<'_>,
    call: Persistent<Function<'static>>,
    input: Option<Persistent<Value<'static>>>,
    script: &str,
) -> Result<String, Thrown> {
    let run = || {
        eval::<Value>(ctx, SCRIPT, script)?;
        // `const main = …` makes no property of the global object.
        let main = eval::<Value>(ctx, "main", "typeof main === 'undefined' ? undefined : main")?;
        let input = input.map(|input| input.restore(ctx)).transpose()?;
        call.restore(ctx)?.call::<_, String>((main, input.is_some(), input))
    };
    run().map_err(|_: Error| ctx.has_exception().then(|| Persistent::save(ctx, ctx.catch())))
}

/// Evaluates a classic script: sloppy unless it says otherwise, as scripts are everywhere.
fn eval<'js, V: FromJs<'js>>(ctx: &Ctx<'js>, name: &str, source: &str) -> rquickjs::Result<V> {
    let mut options = EvalOptions::default();
    options.strict = false;
    options.filename = Some(name.to_owned());
    ctx.eval_with_options(source, options)
}

/// Describes the thrown value. The engine throws `null`, or nothing, if no memory remains for an
/// error. A script that throws `null` itself is reported in the same way.
fn explain(ctx: &Ctx<'_>, thrown: Thrown, limit: usize) -> ScriptFailure {
    let out_of_memory = ScriptFailure::OutOfMemory { bytes: limit.try_into().unwrap_or(u64::MAX) };
    let Some(Ok(thrown)) = thrown.map(|thrown| thrown.restore(ctx)) else {
        return out_of_memory;
    };
    if thrown.is_null() {
        return out_of_memory;
    }
    let Some(error) = thrown.as_object().filter(|object| object.is_error()) else {
        let text = text(ctx, &thrown).unwrap_or_else(|| "a value without a text".to_owned());
        return script_failure(format!("the script threw {text}"));
    };
    let part = |key: &str| {
        error.get::<_, Value>(key).ok().and_then(|part| text(ctx, &part)).unwrap_or_default()
    };
    let (name, message) = (part("name"), part("message"));
    match (name.as_str(), message.as_str()) {
        ("InternalError", message) if message.starts_with("out of memory") => return out_of_memory,
        ("RangeError", "Maximum call stack size exceeded") => {
            return ScriptFailure::StackOverflow { bytes: STACK.try_into().unwrap_or(u64::MAX) };
        }
        _ => {}
    }
    let message = match (name.as_str(), message.as_str()) {
        ("Error" | "", "") => "an error without a message".to_owned(),
        ("Error" | "", message) => message.to_owned(),
        (name, "") => name.to_owned(),
        (name, message) => format!("{name}: {message}"),
    };
    ScriptFailure::Script { message, line: line(&part("stack")) }
}

/// A value converted to text by the language; `None` if it has no text form or the conversion
/// throws.
fn text(ctx: &Ctx<'_>, value: &Value<'_>) -> Option<String> {
    let text = value.get::<Coerced<String>>().ok().map(|text| text.0);
    if text.is_none() {
        drop(ctx.catch());
    }
    // The message is cut to a line later, where it is shown; a whole megabyte need not go through
    // the pipe.
    text.map(|text| text.chars().take(shared::script::MAX_MESSAGE).collect())
}

/// The line of the innermost frame of the script, in a trace of lines such as `at main
/// (script:3:11)`.
fn line(stack: &str) -> Option<u32> {
    let frame = stack.lines().find_map(|frame| frame.split_once(SCRIPT)?.1.strip_prefix(':'))?;
    frame.split(':').next()?.parse().ok()
}

fn script_failure(message: String) -> ScriptFailure {
    ScriptFailure::Script { message, line: None }
}
