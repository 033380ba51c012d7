//! The process that runs scripts in tests. With the argument `attempts` it tries, once it is
//! confined, what a script that broke out would try, and prints which attempts the kernel refused.

use std::fs::File;
use std::io::{ErrorKind, Result};
use std::net::{TcpStream, UdpSocket};
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    if std::env::args().nth(1).is_none_or(|argument| argument != "attempts") {
        return sandbox::serve();
    }
    let Some(parent) = rustix::process::getppid() else { return ExitCode::FAILURE };
    let filtered = sandbox::confine();
    let attempts: [(&str, Result<()>); 7] = [
        ("open a file", File::open("/proc/self/environ").map(drop)),
        ("make a file", File::create("/tmp/kith-escaped").map(drop)),
        ("list a folder", std::fs::read_dir("/").map(drop)),
        ("open a connection", TcpStream::connect("127.0.0.1:1").map(drop)),
        ("send a packet", UdpSocket::bind("127.0.0.1:0").map(drop)),
        ("start a program", Command::new("/bin/true").spawn().map(drop)),
        ("reach the parent", rustix::process::test_kill_process(parent).map_err(Into::into)),
    ];
    println!("filtered: {filtered}");
    for (attempt, result) in attempts {
        let refused = result.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
        println!("{attempt}: {}", if refused { "refused" } else { "possible" });
    }
    ExitCode::SUCCESS
}
