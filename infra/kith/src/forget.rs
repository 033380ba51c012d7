//! `kith forget`: erases a person everywhere, and looks whether anything of given texts is left
//! (rule D7).
//!
//! The erasure is the one that `DELETE /identity/users/{user_id}` makes. The search reads the whole
//! table with the operator's rights, and says where something is, never what.

use std::io::Read as _;

use clap::{ArgGroup, Args};
use serde_json::json;
use shared::domain::author::{Author, Reason};
use shared::domain::error::Error;
use shared::domain::id::{TenantId, UserId, UserName};
use shared::store::keys::owner_of_partition;
use shared::store::{Key, Table};

use crate::cli::said;
use crate::output::print;
use crate::table::{Failure, each_item};
use crate::traces::{self, Text};

/// Whom to forget, and what to look for.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).multiple(true).args(["user", "verify", "verify_file", "replay_from"])))]
pub struct Options {
    /// Whose user.
    #[arg(long)]
    tenant: TenantId,
    /// The user's id or base profile id. One who was forgotten before is no failure; one whom
    /// nobody knows is.
    #[arg(value_name = "USER", value_parser = user_name)]
    user: Option<UserName>,
    /// Then search every item of the tenant, and fail if one of these texts stands anywhere,
    /// whatever its case and escapes.
    #[arg(long, value_name = "TEXT", num_args = 1.., value_parser = Text::read)]
    verify: Vec<Text>,
    /// As --verify, with one text a line from a file, or from the input if it is `-`: so they stay
    /// out of the shell's history.
    #[arg(long, value_name = "FILE", value_parser = texts_of)]
    verify_file: Option<Texts>,
    /// Erase again whoever has a tombstone in this other table: after a restore, that which was
    /// replaced.
    #[arg(long, value_name = "NAME", conflicts_with = "user")]
    replay_from: Option<String>,
}

/// The texts of a file.
#[derive(Clone, Debug)]
pub struct Texts(Vec<Text>);

fn user_name(text: &str) -> Result<UserName, Failure> {
    text.parse().map_err(|_| "neither a user's id nor a base profile id".to_owned())
}

/// Reads one text a line, empty lines left out. Errors name the line and not what it says.
fn texts_of(file: &str) -> Result<Texts, Failure> {
    let mut content = String::new();
    let read = match file {
        "-" => std::io::stdin().read_to_string(&mut content),
        _ => std::fs::File::open(file).and_then(|mut file| file.read_to_string(&mut content)),
    };
    read.map_err(|error| format!("it cannot be read: {error}"))?;
    let lines = content.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let texts: Result<Vec<_>, _> = lines
        .map(|(index, line)| Text::read(line).map_err(|why| format!("line {}: {why}", index + 1)))
        .collect();
    match texts {
        Ok(texts) if texts.is_empty() => Err("it has no text to look for".to_owned()),
        texts => texts.map(Texts),
    }
}

/// What an erasure did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erased {
    /// It forgot the user.
    Forgotten,
    /// It finished what had been begun.
    Finished,
    /// It found nothing to do: the user was forgotten before.
    Before,
}

impl Erased {
    const fn name(self) -> &'static str {
        match self {
            Self::Forgotten => "forgotten",
            Self::Finished => "finished",
            Self::Before => "forgotten-before",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Forgotten => "is forgotten",
            Self::Finished => "is forgotten: an erasure that was interrupted is finished",
            Self::Before => "was forgotten before",
        }
    }
}

/// Forgets a user, or finishes the erasure of one; `None` when there is neither.
pub async fn forget(
    table: &Table,
    tenant: &TenantId,
    name: &UserName,
) -> Result<Option<(UserId, Erased)>, Failure> {
    let Some(id) = table.resolve(tenant, name).await.map_err(said)? else {
        return Ok(None);
    };
    if table.resume_forget(tenant, id).await.map_err(said)? {
        return Ok(Some((id, Erased::Finished)));
    }
    let author = Author::service(tenant.clone(), Reason::Operator);
    match table.forget_user(&author, id, |_| Ok(())).await {
        Ok(()) => Ok(Some((id, Erased::Forgotten))),
        Err(Error::NotFound) => {
            let left = table.get(&Key::user(tenant, id)).await.map_err(said)?;
            Ok(left.map(|_| (id, Erased::Before)))
        }
        Err(error) => Err(said(error)),
    }
}

/// Forgets in `table` whoever of a tenant has a tombstone in `replaced`, and counts those who were
/// there.
///
/// Erasures that the replaced table had only begun count as well. Whoever was forgotten longer ago
/// than tombstones are kept is not found.
pub async fn replay(
    table: &Table,
    tenant: &TenantId,
    replaced: &Table,
) -> Result<(usize, usize), Failure> {
    let mut tombstones = Vec::new();
    each_item(replaced, |item| match owner_of_partition(item.key().pk()) {
        Some((owner, user)) if owner == *tenant && item.is_tombstone() => tombstones.push(user),
        _ => {}
    })
    .await?;
    let mut erased = 0;
    for user in &tombstones {
        let outcome = forget(table, tenant, &UserName::User(*user)).await?;
        erased += usize::from(matches!(outcome, Some((_, Erased::Forgotten | Erased::Finished))));
    }
    Ok((tombstones.len(), erased))
}

impl Options {
    /// The name of the table that was replaced, if its erasures are to be repeated.
    #[must_use]
    pub fn replaced(&self) -> Option<&str> {
        self.replay_from.as_deref()
    }

    /// Erases, then verifies, and prints what came of both; fails when the user is not known or
    /// something is left.
    pub async fn run(
        self,
        table: &Table,
        replaced: Option<Table>,
        as_json: bool,
    ) -> Result<(), Failure> {
        let Self { tenant, user, verify, verify_file, .. } = self;
        if let Some(replaced) = replaced {
            let (tombstones, erased) = replay(table, &tenant, &replaced).await?;
            print(as_json, &json!({ "tombstones": tombstones, "erased": erased }), || {
                format!("{tombstones} erasures known, {erased} repeated")
            })?;
        }
        if let Some(name) = user {
            let (id, erased) = forget(table, &tenant, &name)
                .await?
                .ok_or(format!("tenant {tenant} has no such user"))?;
            print(
                as_json,
                &json!({ "user_id": id.to_string(), "outcome": erased.name() }),
                || format!("user {id} {}", erased.text()),
            )?;
        }
        let texts: Vec<_> =
            verify.into_iter().chain(verify_file.into_iter().flat_map(|texts| texts.0)).collect();
        if texts.is_empty() {
            return Ok(());
        }
        let traces = traces::search(table, &tenant, &texts).await?;
        print(as_json, &traces.show(texts.len()), || traces.describe(texts.len()))?;
        if traces.found.is_empty() {
            Ok(())
        } else {
            Err(format!("{} places hold a text", traces.found.len()))
        }
    }
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
