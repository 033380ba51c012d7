//! The service under test.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

/// `kith serve` with its table lent; it ends with the test.
pub(crate) struct Service {
    folder: PathBuf,
    child: Child,
    pub(crate) url: String,
    /// Where the table is lent.
    pub(crate) endpoint: String,
}

impl Service {
    pub(crate) fn start(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("kith-local-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut child = kith(&["-q", "serve", "--memory", "--listen", "127.0.0.1:0"])
            .args(["--dynamodb", "127.0.0.1:0", "--data"])
            .arg(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut url = |start: &str| {
            let line = lines.next().unwrap().unwrap();
            let rest = line.strip_prefix(start).unwrap_or_else(|| panic!("{line}"));
            rest.split(' ').next().unwrap().to_owned()
        };
        let (service, endpoint) = (url("Kith serves on "), url("Its table, `kith`, is lent on "));
        Self { folder, child, url: service, endpoint }
    }

    /// Runs the program on the data folder of the service.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        kith(&["--data"]).arg(&self.folder).args(arguments).output().unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The program, without the variables of a demonstration and in the root of the checkout.
pub(crate) fn kith(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kith"));
    command.args(arguments).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    for variable in ["URL", "CLIENT_ID", "CLIENT_SECRET", "ADMIN_CLIENT_ID", "ADMIN_CLIENT_SECRET"]
    {
        command.env_remove(format!("KITH_{variable}"));
    }
    command.stdin(Stdio::null());
    command
}

pub(crate) fn text(output: &[u8]) -> &str {
    std::str::from_utf8(output).unwrap()
}
