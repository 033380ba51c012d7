//! Commands and files that are wrong.

use std::fs;
use std::os::unix::fs::symlink;

use crate::program::Service;

#[test]
fn e1_what_is_wrong_is_said_before_anything_is_sent() {
    let service = Service::start("wrong");
    service.file("good.csv", "username\njan\n");
    service.file("empty.csv", "");
    service.file("rows.csv", "username\n\n");
    service.file("header.csv", "username,family\njan,x\n");
    service.file("quote.csv", format!("username\n\"jan\n{}", "x".repeat(5 << 20)));
    service.file("other.txt", "username\njan\n");
    service.file("sep.csv", "sep=;;\nusername\njan\n");
    service.file("case.csv", "Username, given_name\njan,Jan\n");
    service.file("array.json", "[]");
    service.file("json.csv", "{\"username\":\"jan\"}\n");
    service.file("utf16.csv", b"\xff\xfeu\0s\0e\0r\0n\0a\0m\0e\0\n\0");
    service.file("latin1.csv", b"username,given_name\njan,Andr\xe9\n");
    for (arguments, code, due) in [
        (&["nowhere.csv"][..], 1, "cannot read `nowhere.csv`"),
        (&["."], 1, "is not a file"),
        (&["empty.csv"], 1, "the file is empty"),
        (&["rows.csv"], 1, "expected at least one row"),
        (&["header.csv"], 1, "/family: unknown field `family`; did you mean `family_name`?"),
        (&["sep.csv"], 1, "found `sep=`; delete this line"),
        (&["case.csv"], 1, "/Username: unknown field `Username`; did you mean `username`?"),
        (&["case.csv"], 1, "/ given_name: unknown field ` given_name`; did you mean `given_name`?"),
        (&["array.json"], 1, "expected at least one row"),
        (&["json.csv"], 1, "expected a header with field names, found JSON"),
        (&["utf16.csv"], 1, "expected UTF-8, found UTF-16; save the file as UTF-8"),
        (&["latin1.csv"], 1, "line 2: expected UTF-8, found another encoding"),
        (&["good.csv", "--table", "kith"], 1, "`import` calls a running service; use --url"),
        (&["quote.csv"], 1, "line 2: a quote opens a cell and is never closed"),
        (&["good.csv", "--map", "login=username"], 1, "/login"),
        (&["good.csv", "--report", "good.csv"], 1, "would overwrite the imported file"),
        (&["good.csv", "--report", "other.txt"], 1, "use --restart to replace it"),
        (&["good.csv", "--client-secret", "kith_0"], 1, "401 Unauthorized, invalid_client"),
        (&["good.csv", "--url", "http://127.0.0.1:1"], 1, "KITH_CLIENT_ID is not set"),
        (
            &[
                "good.csv",
                "--url",
                "http://127.0.0.1:1",
                "--client-id",
                "x",
                "--client-secret",
                "y",
            ],
            1,
            "does not answer",
        ),
        (&[], 2, "<FILE>"),
        (&["good.csv", "--map", "username"], 2, "COLUMN=FIELD"),
        (
            &["good.csv", "--map", "username=login"],
            2,
            "unknown field `login`; did you mean `username`?",
        ),
        (&["good.csv", "--mode", "replace"], 2, "[possible values: create, upsert]"),
        (&["good.csv", "--format", "xlsx"], 2, "[possible values: csv, ndjson]"),
        (&["good.csv", "--url", "localhost:3000"], 2, "expected an http or https URL"),
        (&["good.csv", "--url", "ftp://example.org"], 2, "expected an http or https URL"),
        (&["good.csv", "--url", "example.org"], 2, "expected an http or https URL"),
    ] {
        let ended = service.run(&[&["import"], arguments].concat());
        assert_eq!(ended.code(), code, "{arguments:?}: {ended:?}");
        assert!(ended.errors().contains(due), "{arguments:?}: {ended:?}");
    }
    assert_eq!(service.read("good.csv"), "username\njan\n");
    assert_eq!(service.read("other.txt"), "username\njan\n");
    let good = service.run(&["import", "good.csv"]);
    assert_eq!(good.code(), 0, "{good:?}");
    assert!(
        good.output().contains("1 row: 1 created, 0 updated, 0 unchanged, 0 in error"),
        "{good:?}"
    );
    let export = service.run(&["export", "--client-secret", "kith_0", "--output", "out.csv"]);
    assert_eq!(export.code(), 1);
    assert!(!service.folder.join("out.csv").exists());
    assert_eq!(service.check(), 1);
}

#[test]
fn wk15_a_file_gives_the_terminal_no_commands() {
    let service = Service::start("terminal");
    let (raw, shown) = ("\u{1b}]0;owned\u{7}\u{1b}[31m", "\\u{1b}]0;owned\\u{7}\\u{1b}[31m");
    service.file("header.csv", format!("username,\"{raw}\"\njan,x\n"));
    for file in ["header.csv".to_owned(), format!("nowhere{raw}.csv")] {
        let ended = service.run(&["import", &file]);
        assert_eq!(ended.code(), 1, "{ended:?}");
        let said = ended.output() + &ended.errors();
        assert!(said.contains(shown), "{ended:?}");
        assert!(!said.contains(['\u{1b}', '\u{7}']), "{ended:?}");
    }
}

#[test]
fn no_other_name_of_the_file_makes_it_the_report_or_the_state() {
    let service = Service::start("itself");
    let path = service.file("people.state", "username\njan\n");
    symlink(&path, service.folder.join("link")).unwrap();
    fs::hard_link(&path, service.folder.join("hard")).unwrap();
    for report in [
        "people.state",
        "./people.state",
        path.to_str().unwrap(),
        "link",
        "hard",
        "people",
        "./people",
    ] {
        let ended = service.run(&["import", "people.state", "--restart", "--report", report]);
        assert_eq!(ended.code(), 1, "{report}: {ended:?}");
        assert!(
            ended.errors().contains("would overwrite the imported file"),
            "{report}: {ended:?}"
        );
        assert_eq!(service.read("people.state"), "username\njan\n", "{report}");
    }
}

#[test]
fn a_state_that_cannot_be_read_is_begun_anew() {
    let service = Service::start("state");
    service.file("people.csv", "username\njan\n");
    service.file(
        "people.csv.report.csv.state",
        "no state at all, and longer than a header of SQLite would be ".repeat(20),
    );
    let refused = service.run(&["import", "people.csv"]);
    assert_eq!(refused.code(), 1, "{refused:?}");
    assert!(refused.errors().contains("--restart"), "{refused:?}");
    let anew = service.run(&["import", "people.csv", "--restart"]);
    assert_eq!(anew.code(), 0, "{anew:?}");
    assert_eq!(service.check(), 1);
}
