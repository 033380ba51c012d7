//! Files as people and their programs write them.

use crate::program::Service;

#[test]
fn dt1_a_file_that_loses_people_is_refused_before_anything_is_written() {
    let service = Service::start("quotes");
    let head = "username,given_name\n";
    // The quote stands behind all that one request takes.
    let many = (0..3000).map(|n| format!("u{n},An\n")).collect::<Vec<_>>().concat();
    service.file("open.csv", format!("{head}{many}b.2,\"Bo\nb.3,Cy\n"));
    service.file("cut.csv", format!("{head}b.1,An\nb.2,\"line one\nlin"));
    service.file("cut.json", "[{\"username\":\"b.1\"},\n{\"username\":\"b.2\"");
    service.file("header.csv", "\"username\"x,given_name\nb.1,An\n");
    for (file, due) in [
        ("open.csv", "`open.csv`: line 3002: a quote opens a cell and is never closed"),
        ("cut.csv", "`cut.csv`: line 3: a quote opens a cell and is never closed"),
        ("cut.json", "`cut.json`: the array is not closed"),
        ("header.csv", "the header of `header.csv`: found text after a closing quote"),
    ] {
        for options in [&[][..], &["--dry-run"]] {
            let ended = service.run(&[&["import", file], options].concat());
            assert_eq!(ended.code(), 1, "{file}: {ended:?}");
            assert!(ended.errors().contains(due), "{file}: {ended:?}");
            assert!(!service.folder.join(format!("{file}.report.csv")).exists());
        }
    }
    service
        .file("good.csv", "username,given_name\nb.1,\"Bo\" Maes\nb.2,\"Bo \"\"B\"\"\"\nb.3,Cy\n");
    for options in [&["--dry-run", "--report", "dry.csv"][..], &[]] {
        let summary = service.import(&[&["good.csv"], options].concat());
        assert_eq!([&summary["rows"], &summary["created"], &summary["errors"]], [3, 2, 1]);
    }
    let report = service.read("good.csv.report.csv");
    let second = report.lines().nth(1).unwrap();
    assert!(
        second.starts_with("1,error,,") && second.contains("after a closing quote"),
        "{report}"
    );
    assert_eq!(service.check(), 2);
}

#[test]
fn dt_files_of_other_programs_are_imported() {
    let service = Service::start("programs");
    service.file("mac.csv", "username,given_name\rm.1,a;b;c;d\rm.2,Bo\r");
    service
        .file("excel.csv", "sep=|\r\nusername|given_name\r\ne.1|An\r\n|\r\n|\r\ne.2|Bo\r\n||\r\n");
    let people: Vec<_> =
        (0..500).map(|n| format!("{{\"username\":\"j.{n}\", \"a\": [1]}}")).collect();
    let people = people.join(",\n ").replace(", \"a\": [1]", "");
    service.file("people.json", format!("\u{feff}[\n {people}\n]\n"));
    service.file("lines.json", "{\"username\":\"l.1\"}\n{\"username\":\"l.2\"}\n");
    for (file, due) in [("mac.csv", 2), ("excel.csv", 2), ("people.json", 500), ("lines.json", 2)] {
        let summary = service.import(&[file]);
        assert_eq!([&summary["rows"], &summary["created"]], [due, due], "{file}: {summary}");
    }
    service.file("wrong.json", "[{\"username\":\"w.1\"} {\"username\":\"w.2\"}]");
    let ended = service.run(&["import", "wrong.json"]);
    assert!(ended.errors().contains("expected a comma or `]`"), "{ended:?}");
    let ended = service.run(&["import", "-"]);
    assert_eq!(ended.code(), 1);
    assert!(ended.errors().contains("save the standard input to a file"), "{ended:?}");
    assert_eq!(service.check(), 506);
}
