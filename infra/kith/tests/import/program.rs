//! The program under test.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

/// A folder of one test with a service on it; both go with it.
pub struct Service {
    pub folder: PathBuf,
    port: u16,
    child: Child,
}

impl Service {
    /// Starts `kith serve` on a new data folder.
    pub fn start(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("kith-test-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = serve(&folder, port);
        Self { folder, port, child }
    }

    /// Kills it as a crash does, and starts it again on the same port.
    pub fn crash(&mut self) {
        self.end();
        self.child = serve(&self.folder, self.port);
    }

    fn end(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Writes a file into the folder.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// The program with the demonstration's client, in the folder.
    pub fn kith(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kith"));
        command.current_dir(&self.folder).args(["--data", "data"]).args(arguments);
        for variable in ["KITH_URL", "KITH_CLIENT_ID", "KITH_CLIENT_SECRET"] {
            command.env_remove(variable);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended(self.kith(arguments).output().unwrap())
    }

    /// Runs an import to its end and returns its summary.
    pub fn import(&self, arguments: &[&str]) -> Value {
        let ended = self.run(&[&["--json", "import"], arguments].concat());
        serde_json::from_str(&ended.output()).unwrap_or_else(|_| panic!("{ended:?}"))
    }

    /// A file of the folder.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap()
    }

    /// Ends the service and asserts rule D1; returns how many users there are beside the
    /// administrator of the demonstration.
    pub fn check(mut self) -> u64 {
        self.end();
        let ended = self.run(&["--json", "check", "--tenant", "acme"]);
        assert_eq!(ended.code(), 0, "{ended:?}");
        let report: Value = serde_json::from_str(&ended.output()).unwrap();
        report["users"].as_u64().unwrap() - 1
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A pipe that nobody reads.
pub fn unread() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

fn serve(folder: &Path, port: u16) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kith"))
        .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"])
        .arg(folder.join("data"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // The service works although its log has no reader.
        .stderr(unread())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("serves"), "the service does not start");
    child
}

/// A program that has ended.
#[derive(Debug)]
pub struct Ended(pub Output);

impl Ended {
    /// The exit code; -1 after a signal.
    pub fn code(&self) -> i32 {
        self.0.status.code().unwrap_or(-1)
    }

    pub fn output(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    pub fn errors(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }
}

/// Waits until a file has so many lines.
pub fn wait_for_lines(path: &Path, lines: usize, child: &mut Child) {
    while fs::read_to_string(path).unwrap_or_default().lines().count() < lines {
        assert_eq!(child.try_wait().unwrap(), None, "it ended too early");
        std::thread::sleep(Duration::from_millis(20));
    }
}
