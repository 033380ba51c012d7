//! Enumerations whose variants have fixed texts, in HTTP messages and in the table.

use std::fmt::Display;
use std::str::FromStr;

use super::suggest::{nearest, suggestion};

/// An enumeration whose variants have fixed texts.
pub trait StringEnum: FromStr + Display + Copy + 'static {
    /// Every variant, in the order in which messages list them.
    const ALL: &'static [Self];
}

/// The error message for a text that is none of these words.
pub fn expected_word<T: Display>(words: &[T], text: &str) -> String {
    let words: Vec<_> = words.iter().map(ToString::to_string).collect();
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    let nearest = nearest(text, words.iter().map(String::as_str));
    let meant = if nearest.len() < words.len() { suggestion(&nearest) } else { String::new() };
    format!("expected {}{meant}", one_of(&quoted))
}

/// `a`, `b` or `c`, as a sentence lists them.
#[must_use]
pub fn one_of(items: &[String]) -> String {
    match items {
        [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        items => items.concat(),
    }
}

/// Declares an enumeration with its texts. `Serialize`, `Deserialize`, `Display`, `FromStr` and
/// [`StringEnum`] all use them.
macro_rules! string_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$variant_meta])* #[serde(rename = $text)] $variant,)*
        }

        impl $name {
            /// Every variant, in a fixed order.
            pub const ALL: [Self; [$($text),*].len()] = [$(Self::$variant,)*];

            /// Its text.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::id::WrongShape;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    _ => Err($crate::domain::id::WrongShape(concat!("one of:" $(, " `", $text, "`")*))),
                }
            }
        }

        impl $crate::domain::string_enum::StringEnum for $name {
            const ALL: &'static [Self] = &Self::ALL;
        }
    };
}

pub(crate) use string_enum;
