//! An import accepts the file of an export.

use std::fs::{self, DirEntry, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::program::{Ended, Service};

/// People whose values are special to spreadsheets, to CSV or to the import itself.
fn people() -> Vec<Value> {
    let texts = [
        "=1+1",
        "+32 2",
        "-5",
        "@sum",
        "'t Hooft",
        "'=x",
        "[x",
        "{x",
        "a,b;\"c\"",
        "＝wide",
        "Λυρή",
        "محمد",
    ];
    let people = texts.iter().enumerate().map(|(n, text)| {
        json!({
            "username": format!("user.{n}"), "id_at_customer": format!("={n}"), "family_name": text,
            "given_name": text,
            "ui_locales": "fr-BE nl-BE", "preferred_email": format!("user.{n}@example.org"),
            "email_verified": n % 2 == 0,
            "personas": [{"name": "customer_employee", "scope": ["a", text]}, {"name": "consumer"}],
            "attributes": {"common": {"employee-number": [text, format!("{n}")]}},
        })
    });
    people.collect()
}

#[test]
fn what_is_exported_is_imported_again_and_changes_nothing() {
    let service = Service::start("export");
    let people = people();
    service.file(
        "people.ndjson",
        people.iter().map(|person| format!("{person}\n")).collect::<Vec<_>>().concat(),
    );
    let summary = service.import(&["people.ndjson"]);
    assert_eq!(
        summary["created"],
        people.len(),
        "{summary} {}",
        service.read("people.ndjson.report.csv")
    );

    // The administrator of the demonstration is among them.
    let all = people.len() + 1;
    for name in ["all.csv", "all.ndjson"] {
        let ended = service.run(&["export", "--output", name]);
        assert_eq!(ended.code(), 0, "{ended:?}");
        assert_eq!(ended.output(), format!("exported {all} users to {name}\n"));
        let summary = service.import(&[name, "--mode", "upsert"]);
        assert_eq!(
            summary["unchanged"],
            all,
            "{summary} {}",
            service.read(&format!("{name}.report.csv"))
        );
    }
    let csv = service.read("all.csv");
    for record in csv::Reader::from_reader(csv.as_bytes()).records() {
        for cell in &record.unwrap() {
            assert!(!cell.starts_with(['=', '+', '-', '@', '＝']), "{cell}");
        }
    }
    // To the output it is the same, in the same order.
    assert_eq!(service.run(&["export"]).output(), csv);
    assert_eq!(service.run(&["export", "--format", "ndjson"]).output(), service.read("all.ndjson"));
    // EC13: so it is to `-`, which is no file.
    assert_eq!(service.run(&["export", "-o", "-"]).output(), csv);
    assert!(!service.folder.join("-").exists());

    // Into an empty tenant it brings the same people.
    let other = Service::start("other");
    other.file("all.csv", &csv);
    let summary = other.import(&["all.csv"]);
    assert_eq!(summary["created"], people.len(), "{summary} {}", other.read("all.csv.report.csv"));
    let sorted = |text: String| {
        let others = text.lines().filter(|line| !line.contains(",admin,"));
        let mut lines: Vec<_> = others.map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    assert_eq!(sorted(other.run(&["export"]).output()), sorted(csv));
}

#[test]
fn an_export_follows_links_and_keeps_pipes_and_files_that_are_not_its_own() {
    let service = Service::start("target");
    let path = |name: &str| service.folder.join(name);
    let export = |name: &str| {
        let ended = service.run(&["export", "--output", name, "--force"]);
        assert_eq!(ended.code(), 0, "{ended:?}");
    };
    let due = service.run(&["export"]).output();

    let other = service.file("other", "of somebody else");
    symlink(&other, path("real.csv.part")).unwrap();
    service.file("real.csv", "older");
    symlink("real.csv", path("link.csv")).unwrap();
    let before = fs::read_dir(&service.folder).unwrap().count();
    export("link.csv");
    assert!(path("link.csv").is_symlink());
    assert!(!path("real.csv").is_symlink());
    assert_eq!(service.read("real.csv"), due);
    assert_eq!(fs::metadata(path("real.csv")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(service.read("other"), "of somebody else");
    assert_eq!(fs::read_dir(&service.folder).unwrap().count(), before);

    assert!(Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
    let mut reader = OpenOptions::new().read(true).write(true).open(path("pipe")).unwrap();
    export("pipe");
    assert!(fs::symlink_metadata(path("pipe")).unwrap().file_type().is_fifo());
    let mut read = vec![0; 1 << 16];
    let length = reader.read(&mut read).unwrap();
    assert_eq!(String::from_utf8_lossy(&read[..length]), due);
}

#[test]
fn dt_an_export_replaces_no_file_unless_it_is_forced() {
    let service = Service::start("force");
    service.file("people.csv", "username\njan\n");
    for name in ["people.csv", "./people.csv"] {
        let ended = service.run(&["export", "--output", name]);
        assert_eq!(ended.code(), 1, "{ended:?}");
        assert!(ended.errors().contains("exists; use --force to replace it"), "{ended:?}");
    }
    assert_eq!(service.read("people.csv"), "username\njan\n");
    let ended = service.run(&["export", "--output", "people.csv", "--force"]);
    assert_eq!(ended.code(), 0, "{ended:?}");
    assert!(service.read("people.csv").starts_with("id,username,"));
}

#[test]
fn ec12_an_export_whose_reader_goes_is_no_failure_and_one_that_is_stopped_is_told() {
    let service = Service::start("pipe");
    let people: Vec<_> = (0..3000).map(|n| format!("user.{n}\n")).collect();
    service.file("people.csv", format!("username\n{}", people.concat()));
    service.import(&["people.csv"]);

    // More than a pipe holds.
    for arguments in [&["export"][..], &["export", "-o", "-"], &["export", "-o", "/dev/stdout"]] {
        let mut child = service.kith(arguments).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert!(first.starts_with("id,username,"), "{first}");
        let ended = Ended(child.wait_with_output().unwrap());
        assert_eq!((ended.code(), ended.errors().as_str()), (0, ""), "{arguments:?}");
    }

    let child = service.kith(&["export", "-o", "all.csv"]).spawn().unwrap();
    wait_until(|| fs::read_dir(&service.folder).unwrap().any(|entry| is_part(&entry.unwrap())));
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let ended = Ended(child.wait_with_output().unwrap());
    assert_eq!(ended.code(), 130, "{ended:?}");
    assert_eq!(ended.errors(), "kith: stopped; no file was written\n");
    assert!(!service.folder.join("all.csv").exists());
    assert!(!fs::read_dir(&service.folder).unwrap().any(|entry| is_part(&entry.unwrap())));
}

fn is_part(entry: &DirEntry) -> bool {
    entry.file_name().to_string_lossy().ends_with(".part")
}

fn wait_until(come: impl Fn() -> bool) {
    while !come() {
        std::thread::sleep(Duration::from_millis(1));
    }
}
