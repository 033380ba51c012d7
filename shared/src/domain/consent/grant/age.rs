//! Whether people are old enough to decide for themselves (rule CO-11).

use crate::domain::definition::COMMON;
use crate::domain::schema::Schema;
use crate::domain::user::User;
use crate::env::Timestamp;

/// The custom attribute of the category `common` that holds the day of birth.
const BIRTHDATE: &str = "birthdate";
/// Nobody who lives was born before.
const EARLIEST: u32 = 1900;

/// Whether the date of birth of a user is known and was this many years before a time. Of several
/// dates each has to be.
pub(super) fn is_of_age(user: &User, schema: &Schema, age: u32, at: Timestamp) -> bool {
    let definition = schema.attribute_named(COMMON, BIRTHDATE);
    let dates = definition.and_then(|definition| user.attributes.get(&definition.id));
    dates.is_some_and(|dates| !dates.is_empty() && dates.iter().all(|born| is_ago(born, age, at)))
}

/// Whether this text is a date, `2010-11-21`, and was this many years before a time.
fn is_ago(born: &str, age: u32, at: Timestamp) -> bool {
    let today = at.day();
    // A time of such a day is read only if there is such a day.
    let is_date = born.len() == 10 && Timestamp::parse(&format!("{born}T00:00:00Z")).is_some();
    let (Some(year), Some(day)) = (born.get(..4), born.get(4..)) else { return false };
    let Some(year) = year.parse::<u32>().ok().filter(|year| *year >= EARLIEST) else {
        return false;
    };
    is_date && born <= today.as_str() && format!("{:04}{day}", year + age) <= today
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn co11_only_a_date_makes_of_age() {
        let at = Timestamp::parse("2026-11-21T10:00:00Z").unwrap();
        for (born, of_age) in [
            ("2010-11-21", true),
            ("1900-01-01", true),
            ("2010-11-22", false),
            ("9999-12-31", false),
            ("2010-00-00", false),
            ("2009-02-30", false),
            ("+010-01-01", false),
            ("2010-1--21", false),
            ("0001-01-01", false),
            ("2010-11-21T00:00:00Z", false),
            ("2010", false),
            ("", false),
            ("20ü0-11-2", false),
        ] {
            assert_eq!(is_ago(born, 16, at), of_age, "{born}");
        }
    }
}
