//! What tests of commands share.

use clap::Subcommand;
use local::table::open_local;
use shared::env::Env;
use shared::store::Table;

/// A table in memory with the tenant `acme`.
pub(crate) async fn table() -> Table {
    let table = open_local(None, Env::default()).await.unwrap();
    table.create_tenant(&"acme".parse().unwrap()).await.unwrap();
    table
}

/// What the words of a line ask for, from the name of the command on.
pub(crate) fn action<A: Subcommand>(words: &[&str]) -> Result<A, clap::Error> {
    let matches = A::augment_subcommands(clap::Command::new("kith")).try_get_matches_from(words)?;
    A::from_arg_matches(&matches)
}
