//! The processes that run scripts: when they start, when they end, and that none stays.

use std::fs;
use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use super::*;

const UNSTOPPABLE: &str =
    "function main(w) { Array.prototype.reverse.call({ length: 2 ** 53 - 1 }); }";

/// The workers of this test, by the argument that marks them. Ended workers that were not waited
/// for have no arguments.
fn workers(marker: &str) -> Vec<u32> {
    let processes = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let marked = |process: &u32| {
        fs::read(format!("/proc/{process}/cmdline")).is_ok_and(|line| {
            line.split(|byte| *byte == 0).any(|argument| argument == marker.as_bytes())
        })
    };
    processes.filter(marked).collect()
}

/// Whether the process is there in any form, a zombie too.
fn exists(process: u32) -> bool {
    fs::exists(format!("/proc/{process}")).unwrap()
}

/// Lets the runtime go on until `done`, and gives up after many turns.
async fn until(done: impl Fn() -> bool) -> bool {
    for _ in 0..100_000 {
        if done() {
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}

#[tokio::test]
async fn a4_a_worker_starts_with_the_first_script_and_is_used_again() {
    let scripts = scripts("used-again");
    assert!(workers("used-again").is_empty());
    still_works(&scripts, "nothing").await;
    let first = workers("used-again");
    assert_eq!(first.len(), 1);
    for _ in 0..20 {
        still_works(&scripts, "itself").await;
        assert!(scripts.run("function main(w) { throw 1; }", &jan()).await.is_err());
    }
    assert_eq!(workers("used-again"), first);
    drop(scripts);
    assert!(until(|| !exists(first[0])).await);
}

#[tokio::test]
async fn a4_a_worker_gains_no_rights_and_its_memory_is_its_own() {
    let scripts = scripts("confined");
    still_works(&scripts, "nothing").await;
    let worker = workers("confined")[0];
    let status = fs::read_to_string(format!("/proc/{worker}/status")).unwrap();
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    let limits = fs::read_to_string(format!("/proc/{worker}/limits")).unwrap();
    assert!(
        limits.lines().any(|line| line.starts_with("Max open files            0 ")),
        "{limits}"
    );
}

#[test]
fn a4_a_worker_reaches_no_file_no_socket_and_no_process() {
    let worker = env!("CARGO_BIN_EXE_script-worker");
    let said = std::process::Command::new(worker).arg("attempts").output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    let (filtered, attempts) = said.split_once('\n').unwrap();
    assert_eq!(filtered, "filtered: true", "this kernel filters no system calls");
    assert_eq!(attempts.lines().count(), 7, "{said}");
    assert!(attempts.lines().all(|line| line.ends_with(": refused")), "{said}");
}

#[tokio::test]
async fn a4_after_a_limit_the_process_is_gone() {
    let scripts = scripts("gone");
    for body in [
        "for (;;);",
        "const a = []; for (;;) a.push({});",
        "main(w);",
        "Array(2 ** 32 - 1).join('');",
    ] {
        still_works(&scripts, "the one before").await;
        let [worker] = workers("gone")[..] else { panic!("one worker") };
        let outcome = scripts.run(&main_of(body), &jan()).await;
        assert!(
            outcome.is_err() && !exists(worker) && workers("gone").is_empty(),
            "{body}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn a4_a_worker_that_died_while_idle_is_replaced() {
    let scripts = scripts("died");
    for _ in 0..3 {
        still_works(&scripts, "a death").await;
        let [worker] = workers("died")[..] else { panic!("one worker") };
        let killed =
            std::process::Command::new("kill").args(["-9", &worker.to_string()]).status().unwrap();
        assert!(killed.success());
    }
    still_works(&scripts, "a death").await;
}

#[tokio::test]
async fn a4_a_caller_that_goes_away_takes_the_worker_along() {
    let scripts = scripts("dropped");
    still_works(&scripts, "nothing").await;
    for script in
        [UNSTOPPABLE, "function main(w) { w.output = tb.simpleResponse({ stale: [1] }); }"]
    {
        let [worker] = workers("dropped")[..] else { panic!("one worker") };
        {
            let input = jan();
            let mut run = pin!(scripts.run(script, &input));
            // Once is enough to hand over the job.
            std::future::poll_fn(|context| {
                let _ = run.as_mut().poll(context);
                Poll::Ready(())
            })
            .await;
        }
        assert!(until(|| !exists(worker)).await, "{script}");
        still_works(&scripts, "a caller that went away").await;
    }
}

#[tokio::test]
async fn a4_without_a_worker_nothing_runs() {
    let missing = Scripts::new(PathBuf::from("/nowhere/script-worker"), Vec::new());
    assert_eq!(missing.run(FULL_NAME, &jan()).await, Err(ScriptFailure::Unavailable));
    for (program, args) in
        [("/bin/true", vec![]), ("/bin/echo", vec!["{}".to_owned()]), ("/bin/cat", vec![])]
    {
        let wrong = Scripts::new(PathBuf::from(program), args);
        assert_eq!(wrong.run(FULL_NAME, &jan()).await, Err(ScriptFailure::Crashed), "{program}");
    }
    let silent = Scripts::new(PathBuf::from("/bin/sleep"), vec!["60".to_owned()]);
    assert_eq!(
        silent.run(FULL_NAME, &jan()).await,
        Err(ScriptFailure::TimedOut { milliseconds: 1000 })
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a4_sixteen_scripts_at_once_get_their_own_answers() {
    let scripts = scripts("sixteen");
    let runs: Vec<_> = (0..16)
        .map(|i| {
            let scripts = scripts.clone();
            tokio::spawn(async move {
                let script = match i % 8 {
                    0 => UNSTOPPABLE.to_owned(),
                    1 => main_of("for (;;);"),
                    2 => main_of("const a = []; for (;;) a.push({});"),
                    _ => answering("w.input.value.n"),
                };
                (i, text(scripts.run(&script, &json(&format!(r#"{{"n":{i}}}"#))).await))
            })
        })
        .collect();
    for run in runs {
        let (i, answer) = run.await.unwrap();
        let expected = format!(r#"{{"a":[{i}]}}"#);
        assert!(
            if i % 8 < 3 { answer.is_err() } else { answer == Ok(expected) },
            "{i}: {answer:?}"
        );
    }
    let idle = workers("sixteen");
    assert!(idle.len() <= 4, "{idle:?}");
    for worker in idle {
        let state = fs::read_to_string(format!("/proc/{worker}/stat")).unwrap();
        assert!(state.contains(") S "), "an idle worker waits: {state}");
    }
    still_works(&scripts, "sixteen at once").await;
}

/// The rights of a worker, as the kernel tells them; a system without `/proc` has nothing to
/// compare.
#[tokio::test]
async fn a4_a_worker_has_no_rights_and_no_environment() {
    let scripts = scripts("rights");
    still_works(&scripts, "nothing").await;
    let [worker] = workers("rights")[..] else { panic!("one worker") };
    assert_eq!(fs::read(format!("/proc/{worker}/environ")).unwrap(), b"");
    assert_eq!(fs::read_link(format!("/proc/{worker}/cwd")).unwrap(), PathBuf::from("/"));
    let limits = fs::read_to_string(format!("/proc/{worker}/limits")).unwrap();
    for limit in ["Max open files", "Max file size", "Max processes", "Max core file size"] {
        let line = limits.lines().find(|line| line.starts_with(limit)).unwrap();
        assert_eq!(
            line.trim_start_matches(limit).split_whitespace().take(2).collect::<Vec<_>>(),
            ["0", "0"],
            "{limit}"
        );
    }
}
