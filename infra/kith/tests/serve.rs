//! `kith serve` as people run it: what it logs, and which web pages may call.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A service that listens, with its data folder; both go with it.
struct Service {
    child: Child,
    address: String,
    folder: PathBuf,
}

fn command(name: &str, options: &[&str]) -> (Command, PathBuf) {
    let folder = std::env::temp_dir().join(format!("kith-test-{}-{name}", std::process::id()));
    let mut command = Command::new(env!("CARGO_BIN_EXE_kith"));
    command.args(["serve", "--memory", "--listen", "127.0.0.1:0", "--data"]).arg(&folder);
    command.args(options).env_remove("KITH_LOG");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    (command, folder)
}

impl Service {
    fn start(name: &str, options: &[&str], log: Option<&str>) -> Self {
        let (mut command, folder) = command(name, options);
        let mut child = command.envs(log.map(|level| ("KITH_LOG", level))).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let (_, rest) = line.split_once("http://").unwrap_or_else(|| panic!("{line}"));
        let address = rest.split_whitespace().next().unwrap().to_owned();
        Self { child, address, folder }
    }

    /// The head and the body of the answer to a GET, in lower case.
    fn get(&self, path: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.to_lowercase()
    }

    /// Ends it, and gives what it has logged.
    fn log(mut self) -> Vec<Value> {
        self.child.kill().unwrap();
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn ec20_the_log_begins_at_its_level() {
    for (name, options, variable, levels) in [
        ("default", &[][..], None, &["INFO"][..]),
        ("info", &["--log", "info"], None, &["INFO"]),
        ("warn", &["--log", "warn"], None, &[]),
        ("error", &["--log", "error"], None, &[]),
        ("debug", &["--log", "debug"], None, &["DEBUG", "INFO"]),
        ("variable", &[], Some("error"), &[]),
        // The option takes precedence over the variable.
        ("both", &["--log", "info"], Some("error"), &["INFO"]),
    ] {
        let service = Service::start(name, options, variable);
        assert!(service.get("/health", "").starts_with("http/1.1 200"), "{name}");
        let log = service.log();
        let mut found: Vec<_> = log.iter().filter_map(|line| line["level"].as_str()).collect();
        found.sort_unstable();
        found.dedup();
        assert_eq!(found, levels, "{name}: {log:?}");
        let requests = log.iter().filter(|line| line["operation"] == "get_health").count();
        assert_eq!(requests, usize::from(levels.contains(&"INFO")), "{name}: {log:?}");
    }
}

#[test]
fn ec20_another_level_is_refused_with_those_that_there_are() {
    let (mut command, _) = command("refused", &["--log", "loud"]);
    let ended = command.output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(2), "{said}");
    assert!(said.contains("error, warn, info, debug"), "{said}");
}

#[test]
fn ec8_pages_of_the_origins_that_are_named_may_call() {
    let origins = "https://app.example,http://localhost:5173";
    let service = Service::start("cors", &["--cors", origins], None);
    for origin in origins.split(',') {
        let answer = service.get("/identity/me", &format!("origin: {origin}\r\n"));
        assert!(answer.starts_with("http/1.1 401"), "{answer}");
        assert!(answer.contains(&format!("access-control-allow-origin: {origin}\r\n")), "{answer}");
    }
    let other = service.get("/identity/me", "origin: https://evil.example\r\n");
    assert!(!other.contains("access-control-"), "{other}");
    let keys = service.get("/idhub/oidc/v1/jwks", "origin: https://evil.example\r\n");
    assert!(!keys.contains("access-control-allow-origin"), "{keys}");

    for (origins, code, expected) in [
        ("app.example", 2, "expected an origin, e.g. https://app.example.com"),
        ("*,https://app.example", 1, "give it alone"),
    ] {
        let (mut command, _) = command("no-origin", &["--cors", origins]);
        let ended = command.output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(code), "{said}");
        assert!(said.contains(expected), "{said}");
    }
}
