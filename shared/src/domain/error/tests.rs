use super::violations::MAX_POINTER;
use super::*;
use crate::domain::json::Json;

#[test]
fn an_error_displays_what_is_wrong_without_the_name_of_its_variant() {
    let mut violations = Violations::default();
    violations.add("/status", Code::NotEditable, "use POST …/block");
    violations.wrong_type("", "an object", &Json::Null);
    let invalid = violations.check(()).unwrap_err();
    for (error, due) in [
        (invalid, "/status: use POST …/block; expected an object, found null"),
        (Error::unexpected("the pump is broken"), "the pump is broken"),
        (Error::Unavailable("too many writers".to_owned()), "too many writers"),
        (Error::Several(2), "2 users match, expected exactly one"),
    ] {
        assert_eq!(error.to_string(), due);
    }
}

#[test]
fn a_detail_that_no_answer_lists_is_not_made() {
    let mut violations = Violations::default();
    let mut made = 0;
    for i in 0..=MAX_VIOLATIONS {
        violations.add_with(format!("/{i}"), Code::Unknown, || {
            made += 1;
            "unknown field".to_owned()
        });
    }
    assert_eq!((violations.len(), made), (MAX_VIOLATIONS, MAX_VIOLATIONS));
}

#[test]
fn wk3_violations_have_a_budget_of_bytes_together_and_each() {
    let long = "é".repeat(100_000);
    let mut violations = Violations::default();
    for i in 0..MAX_VIOLATIONS {
        violations.add(format!("/{i}/{long}"), Code::Unknown, format!("unknown `{long}`"));
        violations.taken(format!("/{long}"), &*long);
    }
    assert!(violations.is_full());
    let listed = violations.into_broken();
    let bytes: usize = listed.iter().map(Violation::bytes).sum();
    assert!(!listed.is_empty() && bytes < MAX_VIOLATION_BYTES + MAX_POINTER + MAX_DETAIL);
    assert!(listed.iter().all(|violation| violation.detail.ends_with('…')), "{listed:?}");
    let Error::Invalid(one) = Error::invalid(&*long, Code::Unknown, &*long) else { panic!() };
    assert!(one[0].bytes() <= MAX_POINTER + MAX_DETAIL, "{}", one[0].bytes());
}

#[test]
fn wk3_names_longer_than_any_that_can_exist_are_one_violation_of_their_container() {
    let mut violations = Violations::default();
    for i in 0..1000 {
        violations.long_name("/attributes", "attribute category", &format!("{i}x").repeat(900));
    }
    let listed = violations.into_broken();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].pointer, "/attributes");
    assert!(listed[0].detail.len() < 300, "{}", listed[0].detail);
}
