//! Enumerations whose variants have a fixed word on the wire and at rest.

use std::fmt::Display;
use std::str::FromStr;

/// One of a few words.
pub trait Word: FromStr + Display + Copy + 'static {
    /// Every word, in the order in which messages list them.
    const ALL: &'static [Self];
}

/// Declares an enumeration with its words: `Serialize`, `Deserialize`, `Display`, `FromStr` and
/// [`Word`] all use them.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$variant_meta])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// Every one, in a fixed order.
            pub const ALL: [Self; [$($word),*].len()] = [$(Self::$variant,)*];

            /// Its name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
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
                    $($word => Ok(Self::$variant),)*
                    _ => Err($crate::domain::id::WrongShape),
                }
            }
        }

        impl $crate::domain::word::Word for $name {
            const ALL: &'static [Self] = &Self::ALL;
        }
    };
}

pub(crate) use words;
