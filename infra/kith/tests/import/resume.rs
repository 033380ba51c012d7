//! Imports that are ended on the way.

use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

use crate::program::{Ended, Service, wait_for_lines};

const ROWS: usize = 300;

/// People with given ids, so that reports are the same; each tenth is at fault, some of them by an
/// earlier row.
fn people() -> String {
    let mut text = "id,username,id_at_customer,family_name,preferred_email\n".to_owned();
    for n in 1..=ROWS {
        let (mut username, mut email) = (format!("user.{n}"), format!("user.{n}@example.org"));
        match n % 30 {
            10 => "nobody".clone_into(&mut email),
            20 if n > 200 => username = format!("USER.{}", n - 199),
            29 => username = String::new(),
            _ => {}
        }
        writeln!(text, "0192f3c1-0000-7000-8000-{n:012},{username},C-{n},\"O'Neill, {n}\",{email}")
            .unwrap();
    }
    text
}

#[test]
fn i3_an_import_that_is_ended_at_any_moment_goes_on_to_the_same_report() {
    let calm = Service::start("calm");
    calm.file("people.csv", people());
    let due = calm.import(&["people.csv"]);
    let report = calm.read("people.csv.report.csv");
    assert_eq!(report.lines().count(), ROWS + 1);
    assert_eq!(due["rows"], ROWS);
    assert_eq!(due["codes"]["wrong-format"], 10);
    assert_eq!(due["codes"]["required"], 10);
    assert_eq!(due["codes"]["not-unique"], 3);
    assert!(
        report.contains("\n230,error,,/username not-unique: row 31 has the same `username`"),
        "{report}"
    );

    let mut service = Service::start("ended");
    service.file("people.csv", people());
    let path = service.folder.join("people.csv.report.csv");
    let arguments = ["--json", "import", "people.csv"];
    // While the service works on the first request, and while its job is waited for.
    for wait in [300, 600] {
        let mut child = service.kith(&arguments).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        assert_eq!(child.try_wait().unwrap(), None);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let mut child = service.kith(&arguments).spawn().unwrap();
    wait_for_lines(&path, 2, &mut child);
    service.crash();
    let ended = Ended(child.wait_with_output().unwrap());
    assert_eq!(ended.code(), 1, "{ended:?}");
    // EC11: while the service works on requests of the killed programs, the command says that it
    // waits. It does not show their rate as its own.
    assert!(ended.errors().contains("waiting for the service to go on"), "{ended:?}");
    let summary: serde_json::Value = serde_json::from_str(&ended.output()).unwrap();
    assert_eq!(summary, due);
    assert_eq!(service.read("people.csv.report.csv"), report);
    // An import that is complete is reported again, and not repeated.
    assert_eq!(service.import(&["people.csv"]), due);
    assert_eq!(service.read("people.csv.report.csv"), report);
    let created = due["created"].as_u64().unwrap();
    assert_eq!(service.check(), created);
    assert_eq!(calm.check(), created);
}

#[test]
fn i3_what_was_begun_goes_on_with_the_same_file_and_options_alone() {
    let service = Service::start("changed");
    let file = service.file("people.csv", people());
    let mut child = service.kith(&["import", "people.csv"]).spawn().unwrap();
    wait_for_lines(&service.folder.join("people.csv.report.csv"), 2, &mut child);
    let other = service.run(&["import", "people.csv"]);
    assert!(other.errors().contains("another `kith import`"), "{other:?}");
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let ended = Ended(child.wait_with_output().unwrap());
    assert_eq!(ended.code(), 130, "{ended:?}");
    assert!(ended.errors().contains("run the same command to resume"), "{ended:?}");

    let report = service.read("people.csv.report.csv");
    for arguments in
        [&["import", "people.csv", "--mode", "upsert"][..], &["import", "people.csv", "--dry-run"]]
    {
        let refused = service.run(arguments);
        assert_eq!(refused.code(), 1);
        assert!(refused.errors().contains("began with other options"), "{refused:?}");
    }
    std::fs::write(&file, people().replace("O'Neill", "O'Brien")).unwrap();
    let refused = service.run(&["import", "people.csv"]);
    assert_eq!(refused.code(), 1);
    assert!(refused.errors().contains("has changed"), "{refused:?}");
    assert_eq!(service.read("people.csv.report.csv"), report);

    let summary = service.import(&["people.csv", "--mode", "upsert", "--restart"]);
    assert_eq!(summary["rows"], ROWS);
    assert!(summary["updated"].as_u64().unwrap() > 100, "{summary}");
    // A complete import does not block another one.
    let summary = service.import(&["people.csv", "--mode", "upsert", "--dry-run"]);
    assert_eq!(summary["unchanged"], 277, "{summary}");
}

#[test]
fn ec11_an_import_that_ctrl_c_stops_goes_on_at_once() {
    let service = Service::start("stopped");
    service.file("people.csv", people());
    let mut child = service.kith(&["import", "people.csv"]).spawn().unwrap();
    // While the service works on the first request: the state of the import lies beside the file.
    let begun = || {
        std::fs::read_dir(&service.folder).unwrap().filter_map(Result::ok).any(|entry| {
            let name = entry.file_name().into_string().unwrap();
            name.starts_with("people.csv.") && name != "people.csv.report.csv"
        })
    };
    for _ in 0..100 {
        if begun() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(child.try_wait().unwrap(), None);
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let ended = Ended(child.wait_with_output().unwrap());
    assert_eq!(ended.code(), 130, "{ended:?}");
    assert!(ended.errors().contains("stopping after the request under way"), "{ended:?}");
    assert!(ended.errors().contains("run the same command to resume"), "{ended:?}");

    // A request that was cut off would hold its job for 27 seconds.
    let mut child = service.kith(&["--json", "import", "people.csv"]).spawn().unwrap();
    for _ in 0..150 {
        if child.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(child.try_wait().unwrap().is_some(), "it waits for the request that was stopped");
    let ended = Ended(child.wait_with_output().unwrap());
    let summary: serde_json::Value = serde_json::from_str(&ended.output()).unwrap();
    assert_eq!(summary["rows"], ROWS, "{ended:?}");
}
