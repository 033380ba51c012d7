//! The report of a faulty row: the place and the kind of fault, without values of the row (rule
//! D7).

use crate::domain::definition::Predefined;
use crate::domain::error::{Code, Violation};
use crate::domain::schema::Schema;

/// The most bytes in the report of one row, which has at least one violation.
const MAX_BYTES: usize = 800;
/// The bytes of a violation's code and of the characters around it.
const OVERHEAD: usize = 40;
/// The names of fields that are no predefined attributes, of users and of personas.
const FIELDS: [&str; 29] = [
    "",
    "attribute_values",
    "attribute_states",
    "attributes",
    "attribute_consents",
    "audience",
    "consent",
    "consents",
    "created_at",
    "denied",
    "email_verified",
    "given_at",
    "id",
    "kind",
    "last_login_at",
    "locale",
    "name",
    "persona_definition_id",
    "personas",
    "preferred",
    "purposes",
    "scope",
    "status",
    "text_sha256",
    "updated_at",
    "valid_from",
    "valid_until",
    "version",
    "set",
];

/// The violations as a report has them. Some messages quote what a script or a schema said, or
/// names that no field has and that may be anything.
#[must_use]
pub(super) fn discreet(violations: Vec<Violation>, schema: &Schema) -> Vec<Violation> {
    let (count, mut bytes) = (violations.len(), 0);
    let mut said: Vec<Violation> = Vec::new();
    for violation in violations.into_iter().map(|violation| without_values(violation, schema)) {
        bytes += violation.pointer.len() + violation.detail.len() + OVERHEAD;
        if !said.is_empty() && bytes > MAX_BYTES {
            let detail = format!("{} more fields are at fault", count - said.len());
            said.push(Violation { pointer: String::new(), code: Code::TooMany, detail });
            break;
        }
        said.push(violation);
    }
    said
}

fn without_values(
    Violation { mut pointer, code, mut detail }: Violation,
    schema: &Schema,
) -> Violation {
    match code {
        Code::DerivedFailed => {
            if let Some((workflow, _)) = detail.split_once(" failed: ") {
                detail = format!("{workflow} failed on this profile");
            }
        }
        // A suggestion resembles the value of the row, so it is removed.
        Code::NotInEnumeration => {
            if let Some((expected, _)) = detail.split_once("; did you mean") {
                detail = expected.to_owned();
            }
        }
        Code::Schema => {
            "the value does not fit the JSON Schema of the attribute".clone_into(&mut detail);
        }
        _ => {}
    }
    let known = |part: &str| is_known(part, schema);
    if !pointer.split('/').all(known) {
        let known: Vec<_> = pointer.split('/').take_while(|part| known(part)).collect();
        pointer = known.join("/");
        "unknown field or attribute in this row".clone_into(&mut detail);
    }
    if detail.len() > MAX_BYTES / 2 {
        detail.truncate(detail.floor_char_boundary(MAX_BYTES / 2));
    }
    Violation { pointer, code, detail }
}

/// Whether it names a field, a category, an attribute or a place in an array: all else that stands
/// there may be a value.
fn is_known(part: &str, schema: &Schema) -> bool {
    FIELDS.contains(&part)
        || part.parse::<Predefined>().is_ok()
        || part.parse::<u16>().is_ok()
        || schema
            .custom_attributes()
            .any(|attribute| attribute.name == part || attribute.category == part)
        || schema.categories.values().any(|category| category.name == part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::definition::AttributeDefinition;
    use crate::domain::schema::StoredDefinition;
    use crate::domain::versioned::Versioned;

    fn schema() -> Schema {
        let mut schema = Schema::empty("acme".parse().unwrap());
        for name in ["x", "j"] {
            let definition = AttributeDefinition {
                category: "c".to_owned(),
                ..AttributeDefinition::of_texts(name)
            };
            let entry = StoredDefinition {
                stored: Versioned::first(definition),
                used: false,
                unheld: Vec::new(),
                built_in: false,
            };
            schema.attributes.insert(name.to_owned(), entry);
        }
        schema
    }

    fn violation(pointer: &str, code: Code, detail: &str) -> Violation {
        Violation { pointer: pointer.to_owned(), code, detail: detail.to_owned() }
    }

    #[test]
    fn d7_what_others_said_and_what_may_be_anything_is_left_out() {
        let said = discreet(
            vec![
                violation(
                    "/attributes/c/x",
                    Code::DerivedFailed,
                    "the workflow w failed: jan@example.org is wrong",
                ),
                violation(
                    "/attributes/c/jan@example.org",
                    Code::Unknown,
                    "no attribute `jan@example.org`",
                ),
                violation("/attributes/c/j/0", Code::Schema, "no at `/jan@example.org`"),
                violation("/username", Code::Required, "`username` is required"),
                violation("/jan1970", Code::Unknown, "there is no field `jan1970`"),
            ],
            &schema(),
        );
        assert!(
            said.iter().all(|v| !v.detail.contains("jan") && !v.pointer.contains("jan")),
            "{said:?}"
        );
        assert_eq!(said[1].pointer, "/attributes/c");
        assert_eq!(said[3].detail, "`username` is required");
    }

    #[test]
    fn what_is_said_of_a_row_has_an_end() {
        let said =
            discreet(vec![violation("/x", Code::Unknown, &"long ".repeat(50)); 40], &schema());
        assert!(said.len() > 1 && said.len() < 10, "{}", said.len());
        assert_eq!(
            said.last().unwrap().detail,
            format!("{} more fields are at fault", 40 - (said.len() - 1))
        );
    }
}
