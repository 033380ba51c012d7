//! Values of the command line that several commands read.

use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};

/// Reads one of a few words; help and refusals list them.
pub(crate) fn one_of<W>(
    names: impl IntoIterator<Item = &'static str>,
) -> impl TypedValueParser<Value = W>
where
    W: FromStr<Err: std::error::Error + Send + Sync> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).try_map(|name| name.parse())
}
