//! Tests of reading a file of an import from any place.

use std::path::PathBuf;

use super::{Format, MAX_BYTES, Mapping, SourceFile};

fn file(name: &str, content: &[u8]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("kith-test-{}-{name}", std::process::id()));
    std::fs::write(&path, content).unwrap();
    path
}

fn lines(source: &SourceFile, rows: usize) -> Vec<(String, usize)> {
    let (mut at, mut found) = (source.first, Vec::new());
    loop {
        let (records, end) = source.read(at, rows, usize::MAX).unwrap();
        if records.is_empty() {
            return found;
        }
        found.extend(
            records
                .into_iter()
                .map(|r| (String::from_utf8_lossy(&r.bytes).into_owned(), r.keys.len())),
        );
        at = end;
    }
}

#[test]
fn rows_are_the_same_from_wherever_they_are_read() {
    let content = b"\xef\xbb\xbfusername;family_name\r\n\
        jan;\"a\r\nb;\"\"c\"\"\"\r\n\r\n\xff;x\r\n\
        piet;Jansen;more\r\n;\n\"\";\"\"\nlast;row";
    let path = file("rows.csv", content);
    let mut source = SourceFile::open(&path, Format::Csv, Mapping::default()).unwrap();
    assert_eq!(source.head, b"\"username\",\"family_name\"\n");
    let due = [
        ("jan,\"a\r\nb;\"\"c\"\"\"\n", 1),
        ("\u{fffd},x\n", 0),
        ("piet,Jansen,more\n", 0),
        ("last,row\n", 1),
    ];
    let due = due.map(|(text, keys)| (text.to_owned(), keys));
    for rows in 1..=due.len() + 1 {
        assert_eq!(lines(&source, rows), due);
    }
    let half = source.digest(40).unwrap();
    let whole = source.digest(content.len() as u64).unwrap();
    assert_ne!(half, whole);
    let mut again = SourceFile::open(&path, Format::Csv, Mapping::default()).unwrap();
    assert_eq!(again.digest(content.len() as u64).unwrap(), whole);
    assert!(source.is_unchanged().unwrap());
    std::fs::write(&path, b"username\n").unwrap();
    assert!(!source.is_unchanged().unwrap());
    std::fs::remove_file(path).unwrap();
}

#[test]
fn lines_are_the_same_from_wherever_they_are_read() {
    let path = file(
        "rows.ndjson",
        b"{\"username\":\"jan\"}\r\n\n  \n{\n{\"username\":\"piet\",\"id_at_customer\":\"1\"}",
    );
    let source = SourceFile::open(&path, Format::Ndjson, Mapping::default()).unwrap();
    let due = [
        ("{\"username\":\"jan\"}\r\n", 1),
        ("{\n", 0),
        ("{\"username\":\"piet\",\"id_at_customer\":\"1\"}\n", 2),
    ];
    let due = due.map(|(text, keys)| (text.to_owned(), keys));
    for rows in 1..=4 {
        assert_eq!(lines(&source, rows), due);
    }
    std::fs::remove_file(path).unwrap();
}

#[test]
fn s1_a_row_without_an_end_is_refused() {
    for (format, start) in [(Format::Csv, "username\n\""), (Format::Ndjson, "{\"username\":\"")] {
        let path =
            file("endless", format!("{start}{}", "x".repeat(MAX_BYTES + 100_000)).as_bytes());
        let source = SourceFile::open(&path, format, Mapping::default()).unwrap();
        assert!(
            source
                .read(source.first, 1, 1)
                .is_err_and(|why| why.to_string().contains("a row has more than"))
        );
        std::fs::remove_file(path).unwrap();
    }
}
