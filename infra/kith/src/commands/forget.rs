//! `kith forget`: erases a person everywhere, and searches the table for given texts (rule D7).
//!
//! The search says where something is, never what.

use std::io::Read as _;
use std::process::ExitCode;

use clap::{ArgGroup, Args};
use maintenance::forget::{ErasureOutcome, forget, replay};
use maintenance::traces::{SearchText, Trace, Traces, search};
use serde_json::{Value, json};
use shared::domain::id::{TenantId, UserName};

use crate::failure::{Failure, Resource};
use crate::location::TableLocation;
use crate::output::{Console, counted};

/// The users to forget, and the texts to search for.
#[derive(Debug, Args)]
#[command(group(
    ArgGroup::new("what")
        .required(true)
        .multiple(true)
        .args(["user", "verify", "verify_file", "replay_from", "proof"])
))]
pub(crate) struct Options {
    /// The tenant of the user
    #[arg(long)]
    tenant: TenantId,
    /// The id or base profile id of the user; deleting a user twice is no error, an unknown id is
    #[arg(value_name = "USER", value_parser = user_name)]
    user: Option<UserName>,
    /// Search every item of the tenant afterwards, and fail if it contains one of these texts in
    /// any case
    #[arg(long, value_name = "TEXT", num_args = 1.., value_parser = SearchText::read)]
    verify: Vec<SearchText>,
    /// As --verify, with one text a line from a file, or `-` for the standard input, so that the
    /// texts stay out of the history of the shell
    #[arg(long, value_name = "FILE", value_parser = texts_of)]
    verify_file: Option<SearchTexts>,
    /// After a restore: delete again every user with a tombstone in this replaced table
    #[arg(long, value_name = "NAME", conflicts_with = "user")]
    replay_from: Option<String>,
    /// Look whether a proof is kept of the history with this `evidence_sha256`, which a receipt of a
    /// consent has
    #[arg(long, value_name = "SHA256", conflicts_with = "user")]
    proof: Option<String>,
}

/// The texts of a file, to search the table for.
#[derive(Clone, Debug)]
pub(crate) struct SearchTexts(Vec<SearchText>);

fn user_name(text: &str) -> Result<UserName, &'static str> {
    text.parse().map_err(|_| "expected a UUID or a base profile id")
}

/// Reads one text a line, empty lines left out. Errors name the line and not what it says.
fn texts_of(file: &str) -> Result<SearchTexts, String> {
    let mut content = String::new();
    let read = match file {
        "-" => std::io::stdin().read_to_string(&mut content),
        _ => std::fs::File::open(file).and_then(|mut file| file.read_to_string(&mut content)),
    };
    read.map_err(|error| format!("cannot read the file: {error}"))?;
    let lines = content.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let texts: Result<Vec<_>, _> = lines
        .map(|(index, line)| {
            SearchText::read(line).map_err(|why| format!("line {}: {why}", index + 1))
        })
        .collect();
    match texts {
        Ok(texts) if texts.is_empty() => Err("expected at least one text, one a line".to_owned()),
        texts => texts.map(SearchTexts),
    }
}

/// Erases, then verifies, and prints both outcomes. Fails if the user is not known or an item
/// remains.
pub(crate) async fn run(
    options: Options,
    location: &TableLocation,
    console: Console,
) -> Result<ExitCode, Failure> {
    let Options { tenant, user, verify, verify_file, replay_from, proof } = options;
    let failed = Resource::User.failed();
    let replaced = match replay_from {
        Some(name) => Some(location.open_other(&name).await?),
        None => None,
    };
    let table = location.open_tenant(&tenant).await?;
    if let Some(replaced) = replaced {
        let (tombstones, erased) = replay(&table, &tenant, &replaced).await.map_err(&failed)?;
        console.print(&json!({ "tombstones": tombstones, "erased": erased }), || {
            format!("{}, {erased} deleted again", counted(tombstones, "tombstone"))
        })?;
    }
    if let Some(name) = user {
        let (id, erased) = forget(&table, &tenant, &name)
            .await
            .map_err(&failed)?
            .ok_or(format!("tenant `{tenant}` has no user `{name}`"))?;
        let (outcome, text) = outcome(erased);
        console.print(&json!({ "user_id": id.to_string(), "outcome": outcome }), || {
            format!("user {id} {text}")
        })?;
    }
    if let Some(digest) = proof {
        let digest = digest.to_ascii_lowercase();
        let at = table.consent_proof(&tenant, &digest).await.map_err(&failed)?;
        let at = at.ok_or(format!("tenant `{tenant}` keeps no proof `{digest}`"))?;
        console.print(&json!({ "proof": digest, "at": at.to_string() }), || {
            format!("the history ended with an entry of {at}")
        })?;
    }
    let texts: Vec<_> =
        verify.into_iter().chain(verify_file.into_iter().flat_map(|texts| texts.0)).collect();
    if texts.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let traces = search(&table, &tenant, &texts).await.map_err(&failed)?;
    console.print(&show(&traces, texts.len()), || describe(&traces, texts.len()))?;
    if traces.found.is_empty() {
        Ok(ExitCode::SUCCESS)
    } else {
        Err(format!("found {} with a text", counted(traces.found.len(), "place")).into())
    }
}

/// The outcome of an erasure, for programs and for people.
const fn outcome(erased: ErasureOutcome) -> (&'static str, &'static str) {
    match erased {
        ErasureOutcome::Forgotten => ("forgotten", "is deleted"),
        ErasureOutcome::Finished => {
            ("finished", "is deleted; this finished an interrupted deletion")
        }
        ErasureOutcome::Before => ("forgotten-before", "was deleted before"),
    }
}

/// The findings, as JSON.
fn show(traces: &Traces, texts: usize) -> Value {
    let found = traces.found.iter().map(|Trace { text, kind, user, attribute }| {
        json!({
            "text": text, "kind": kind, "user_id": user.map(|id| id.to_string()),
            "attribute": attribute
        })
    });
    json!({ "items": traces.items, "texts": texts, "found": found.collect::<Vec<_>>() })
}

/// The findings, in lines for people.
fn describe(traces: &Traces, texts: usize) -> String {
    let mut lines = vec![format!(
        "searched {} for {}, found {}",
        counted(traces.items, "item"),
        counted(texts, "text"),
        counted(traces.found.len(), "place")
    )];
    lines.extend(traces.found.iter().map(|Trace { text, kind, user, attribute }| {
        let place = attribute
            .as_ref()
            .map_or("the name of an attribute".to_owned(), |name| format!("`{name}`"));
        let of = user.map_or(String::new(), |id| format!(" of user {id}"));
        format!("  text {text}: {place} in {kind}{of}")
    }));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use clap::Parser as _;

    use crate::cli::Command;

    fn exit_code(arguments: &[&str]) -> Option<i32> {
        let all = ["kith", "forget", "--tenant", "acme"].iter().chain(arguments);
        Command::try_parse_from(all).err().map(|error| error.exit_code())
    }

    fn file(name: &str, content: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("kith-test-{}-{name}", std::process::id()));
        std::fs::write(&path, content).unwrap();
        path
    }

    #[test]
    fn d7_the_command_line_says_what_it_takes() {
        let id = "0192f3c1-0000-7000-8000-000000000001";
        let base = "2bdec978e853a345774727fc88a221244c19b447e71898f42b7ebe6f84c69b12";
        let (good, short, empty) =
            (file("good", "jan\n\n Janssen \n"), file("short", "jan\nab\n"), file("empty", "\n\n"));
        let [good, short, empty] = [&good, &short, &empty].map(|path| path.to_str().unwrap());
        for right in [
            &[id][..],
            &[base],
            &["--verify", "jan"],
            &["--verify", "jan", "janssen", "--json"],
            &[id, "--verify", "jan", "--verify", "janssen"],
            &["--verify-file", good],
            &[base, "--verify-file", good, "--verify", "jan"],
            &["--replay-from", "old", "--table", "new"],
        ] {
            assert_eq!(exit_code(right), None, "{right:?}");
        }
        for wrong in [
            &[][..],
            &["jan"],
            &[id, id],
            &["--verify"],
            &["--verify", "ab"],
            &[id, "--verify", "jan", "ab"],
            &["--verify-file", short],
            &["--verify-file", empty],
            &["--verify-file", "/nowhere"],
            &[id, "--replay-from", "old"],
        ] {
            assert_eq!(exit_code(wrong), Some(2), "{wrong:?}");
        }
        let refused =
            Command::try_parse_from(["kith", "forget", "--tenant", "acme", "--verify-file", short])
                .unwrap_err();
        assert!(refused.to_string().contains("line 2:"), "{refused}");
        assert!(!refused.to_string().contains("ab\n"), "{refused}");
        for path in [good, short, empty] {
            std::fs::remove_file(path).unwrap();
        }
    }
}
