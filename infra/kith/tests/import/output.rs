//! Readers that close the pipe, and outputs without space.

use std::fs::OpenOptions;

use crate::program::{Ended, Service, unread};

#[test]
fn a_reader_that_is_gone_changes_no_exit_code() {
    let service = Service::start("unread");
    service.file("people.csv", "username\njan\n");
    let ended = |arguments: &[&str]| {
        let mut command = service.kith(arguments);
        Ended(command.stdout(unread()).stderr(unread()).output().unwrap()).code()
    };
    assert_eq!(ended(&["openapi"]), 0);
    assert_eq!(ended(&["import", "people.csv"]), 0);
    assert_eq!(ended(&["--json", "import", "people.csv"]), 0);
    assert_eq!(ended(&["export", "--output", "all.csv"]), 0);
    assert_eq!(ended(&["tour"]), 0);
    assert_eq!(ended(&["import", "nowhere.csv"]), 1);
    assert_eq!(ended(&["import"]), 2);
}

#[test]
fn an_output_that_is_full_is_told() {
    let service = Service::start("full");
    service.file("people.csv", "username\njan\n");
    for arguments in [&["openapi"][..], &["import", "people.csv"], &["export"]] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ended = Ended(service.kith(arguments).stdout(full).output().unwrap());
        assert_eq!(ended.code(), 1, "{ended:?}");
        assert!(ended.errors().contains(": No space left"), "{ended:?}");
    }
    assert_eq!(service.check(), 1);
}
