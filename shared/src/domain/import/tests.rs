use super::cells::guarded;
use super::columns::{Columns, Mapping};
use super::records::delimiter;
use super::rows::{keys, line, read};
use super::{Format, MAX_ROWS};
use crate::domain::error::{Code, Error};
use crate::domain::json::{Json, Object};

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap()
}

fn object(text: &str) -> Object {
    json(text).as_object().unwrap().clone()
}

fn document(header: &str, row: &str) -> Object {
    let (_, rows) =
        read(format!("{header}\n{row}\n").as_bytes(), Format::Csv, &Mapping::default()).unwrap();
    rows.into_iter().next().unwrap().0.unwrap()
}

#[test]
fn a_row_becomes_the_document_of_a_user() {
    let header = "username,family_name,email_verified,personas,attributes.common.contact,\
                  attributes.common.contact,attributes.hr.card";
    let row =
        r#"jan,"Janssen, Jr",TRUE,"member; buyer(shop-1, shop-2)",a@x.org,b@x.org,"{""n"":1}""#;
    assert_eq!(
        Json::Object(document(header, row)),
        json(
            r#"{"username":"jan","family_name":"Janssen, Jr","email_verified":true,
            "personas":[{"name":"member"},{"name":"buyer","scope":["shop-1","shop-2"]}],
            "attributes":{"common":{"contact":["a@x.org","b@x.org"]},"hr":{"card":[{"n":1}]}}}"#
        )
    );
}

#[test]
fn an_empty_cell_clears_what_can_be_cleared() {
    let found = document(
        "id,username,family_name,email_verified,personas,attributes.common.x,attributes.common.x",
        ",jan,,,,,",
    );
    assert_eq!(
        Json::Object(found),
        json(r#"{"username":"jan","family_name":null,"attributes":{"common":{"x":null}}}"#)
    );
    let found = document("attributes.common.x,attributes.common.x", ",1");
    assert_eq!(Json::Object(found), json(r#"{"attributes":{"common":{"x":["1"]}}}"#));
}

#[test]
fn e1_every_column_at_fault_is_named() {
    let mapping =
        Mapping::read(&json(r#"{"Vorname":"given_name","gone":"username","Notiz":null}"#)).unwrap();
    let header = "Vorname,given_name,Notiz,wrong,status\n1,2,3,4,5\n";
    let Err(Error::Invalid(violations)) = read(header.as_bytes(), Format::Csv, &mapping) else {
        panic!("read")
    };
    let found: Vec<_> = violations.iter().map(|v| (v.pointer.as_str(), v.code)).collect();
    let due = [
        ("/given_name", Code::NotAllowed),
        ("/wrong", Code::Unknown),
        ("/status", Code::Unknown),
        ("/gone", Code::NotFound),
    ];
    assert_eq!(found, due);
    assert!(Mapping::read(&json(r#"{"a":"updated_at"}"#)).is_err());
    assert!(Mapping::read(&json(r#"["a"]"#)).is_err());
}

#[test]
fn e1_every_cell_at_fault_is_named() {
    let text = "username,email_verified,personas,attributes.a.b\njan,yes,x(y,[1\n";
    let (_, rows) = read(text.as_bytes(), Format::Csv, &Mapping::default()).unwrap();
    let found: Vec<_> = rows[0].0.as_ref().unwrap_err().iter().map(|v| v.pointer.clone()).collect();
    assert_eq!(found, ["/email_verified", "/personas"]);
    let (_, rows) = read(
        b"username,family_name\njan\nan,b,c\n\xff,x\nlast,row\n",
        Format::Csv,
        &Mapping::default(),
    )
    .unwrap();
    assert_eq!(
        rows.iter().map(|row| row.0.is_ok()).collect::<Vec<_>>(),
        [false, false, false, true]
    );
}

#[test]
fn lines_are_documents_whose_members_may_be_mapped() {
    let mapping =
        Mapping::read(&json(r#"{"login":"username","phone":"attributes.common.phone","x":null}"#))
            .unwrap();
    let found = line(
        br#"{"login":"jan","phone":["1"],"x":5,"attributes":{"common":{"y":["2"]}}}"#,
        1,
        &mapping,
    )
    .0
    .unwrap();
    let due = r#"{"username":"jan","attributes":{"common":{"y":["2"],"phone":["1"]}}}"#;
    assert_eq!(Json::Object(found), json(due));
    assert!(line(br#"{"login":"jan","username":"piet"}"#, 1, &mapping).0.is_err());
    for wrong in ["[]", "{", "1", "{\"a\":1,\"a\":2}"] {
        assert!(line(wrong.as_bytes(), 1, &mapping).0.is_err(), "{wrong}");
    }
    let (_, rows) = read(
        b"\xef\xbb\xbf{\"username\":\"a\"}\r\n\n{\"username\":\"b\"}\n{\"username\":\"jan\" x}",
        Format::Ndjson,
        &Mapping::default(),
    )
    .unwrap();
    assert_eq!(rows.len(), 3);
    let violations = rows[2].0.as_ref().unwrap_err();
    assert_eq!(violations[0].detail, "invalid JSON at line 4, column 19: expected a comma or `}`");
}

#[test]
fn s1_a_file_has_at_most_so_many_rows() {
    let rows = |n: usize| {
        read(format!("username\n{}", "a\n".repeat(n)).as_bytes(), Format::Csv, &Mapping::default())
    };
    assert_eq!(rows(MAX_ROWS).unwrap().1.len(), MAX_ROWS);
    assert!(rows(MAX_ROWS + 1).is_err());
    assert!(rows(0).is_err());
}

#[test]
fn rows_with_one_key_are_about_one_person() {
    let one = keys(&object(
        r#"{"id":"0192F3C1-0000-7000-8000-000000000001","username":"Jan","id_at_customer":"C1"}"#,
    ));
    let other = keys(&object(
        r#"{"id":"0192f3c1-0000-7000-8000-000000000001","username":"JAN","id_at_customer":"c1"}"#,
    ));
    assert_eq!(one[0], other[0]);
    assert_ne!(one[1], other[1]);
    assert_eq!(one[2], other[2]);
}

#[test]
fn the_delimiter_is_what_the_header_has_most_of() {
    assert_eq!(delimiter(b"a;b;\"c,d,e\"\n1,2,3,4"), b';');
    assert_eq!(delimiter(b"\r\n\na;b,c;d\n"), b';');
    assert_eq!(delimiter(b"a\tb"), b'\t');
    assert_eq!(delimiter(b"a"), b',');
}

#[test]
fn what_is_exported_is_imported_again() {
    let names = [
        "id",
        "username",
        "given_name",
        "email_verified",
        "personas",
        "attributes.c.a",
        "attributes.c.j",
    ];
    let columns = Columns::read(names, &Mapping::default()).unwrap();
    let texts = [
        "=1+1",
        "+32 2",
        "-5",
        "@x",
        "\tx",
        "'t Hooft",
        "'=x",
        "''=x",
        "[x",
        "{x",
        "a,b;\"c\"\nd",
        "＝1",
    ];
    for text in texts {
        let user = crate::object! {
            "id" => "0192f3c1-0000-7000-8000-000000000001",
            "username" => text,
            "given_name" => text,
            "email_verified" => true,
            "personas" => vec![
                json(r#"{"name":"member","scope":["a","b"],"status":"ACTIVE","preferred":false,"attributes":{}}"#),
                json(r#"{"name":"buyer","scope":["a,b"],"status":"PENDING","preferred":true,"valid_from":null}"#),
            ],
            "attributes" => json(&format!(
                r#"{{"c":{{"a":[{0}],"j":[{{"x":[1,2]}},{0}]}}}}"#,
                Json::from(text).to_text()
            )),
        };
        let cells = columns.cells(&user);
        assert!(
            !cells.iter().any(|cell| cell.starts_with(['=', '+', '-', '@', '\t', '＝'])),
            "{cells:?}"
        );
        let again = columns.document(cells.iter().map(String::as_str)).unwrap();
        let mut due = user.clone();
        due.insert(
            "personas".to_owned(),
            json(r#"[{"name":"member","scope":["a","b"],"status":"ACTIVE"},{"name":"buyer","scope":["a,b"],"status":"PENDING","preferred":true}]"#),
        );
        assert_eq!(Json::Object(again), Json::Object(due));
    }
    let plain = crate::object! { "personas" => vec![json(r#"{"name":"m","scope":[]}"#), json(r#"{"name":"b","scope":["x"]}"#)] };
    assert_eq!(columns.cells(&plain)[4], "m;b(x)");
    assert_eq!(guarded("x=1".to_owned()), "x=1");
}

#[test]
fn a3_what_has_no_column_is_exported_in_no_persona_either() {
    let columns = Columns::read(["personas", "attributes.c.open"], &Mapping::default()).unwrap();
    let attributes = r#"{"c":{"open":["x"],"secret":["HIDDEN"]},"d":{"hash":[{"set":true}]}}"#;
    let user = crate::object! {
        "personas" => vec![json(&format!(r#"{{"name":"m","scope":[],"status":"ACTIVE","attributes":{attributes}}}"#))],
    };
    assert_eq!(
        columns.cells(&user)[0],
        r#"[{"name":"m","scope":[],"status":"ACTIVE","attributes":{"c":{"open":["x"]}}}]"#
    );
    let user = crate::object! {
        "personas" => vec![json(r#"{"name":"m","attributes":{"d":{"hash":[{"set":true}]}}}"#)],
    };
    assert_eq!(columns.cells(&user)[0], "m");
}
