//! How `kith serve` ends.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// A shell ignores Ctrl-C for what it starts in the background.
#[test]
fn a_service_that_says_that_it_serves_ends_at_ctrl_c_however_it_was_started() {
    let program = env!("CARGO_BIN_EXE_kith");
    for _ in 0..10 {
        let mut service = Command::new("sh")
            .args(["-c", "trap '' INT; exec \"$0\" serve --memory --listen 127.0.0.1:0", program])
            .current_dir(env!("CARGO_TARGET_TMPDIR"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(service.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Command::new("kill").args(["-INT", &service.id().to_string()]).status().unwrap();
        let ended = (0..100).any(|_| {
            sleep(Duration::from_millis(100));
            service.try_wait().unwrap().is_some()
        });
        if !ended {
            service.kill().unwrap();
        }
        assert!(ended, "the service goes on");
    }
}
