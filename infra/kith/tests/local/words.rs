//! Help, completions, manual pages and collections.

use std::fs;

use crate::service::{kith, text};

fn said(arguments: &[&str]) -> String {
    let ended = kith(arguments).output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    text(&ended.stdout).to_owned()
}

#[test]
fn ec19_each_shell_gets_its_completions() {
    for (shell, due) in [
        ("bash", "complete -F _kith"),
        ("zsh", "#compdef kith"),
        ("fish", "complete -c kith"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let script = said(&["completions", shell]);
        assert!(script.contains(due), "{shell}");
        for word in ["client", "rotate", "token", "--dynamodb"] {
            assert!(script.contains(word.trim_start_matches("--")), "{shell}: {word}");
        }
    }
    let bash = std::env::temp_dir().join(format!("kith-{}.bash", std::process::id()));
    fs::write(&bash, said(&["completions", "bash"])).unwrap();
    let read = std::process::Command::new("bash").arg("-n").arg(&bash).output().unwrap();
    assert!(read.status.success(), "{read:?}");
    fs::remove_file(bash).unwrap();
}

#[test]
fn ec19_each_command_has_a_manual_page() {
    assert!(said(&["man"]).contains(".TH KITH 1"));
    assert!(said(&["man", "client", "create"]).contains("kith\\-client\\-create"));
    let folder = std::env::temp_dir().join(format!("kith-man-{}", std::process::id()));
    said(&["man", "--output", folder.to_str().unwrap()]);
    for page in ["kith.1", "kith-serve.1", "kith-client-rotate.1", "kith-token.1"] {
        assert!(fs::read_to_string(folder.join(page)).unwrap().contains(".SH NAME"), "{page}");
    }
    fs::remove_dir_all(folder).unwrap();
    let ended = kith(&["man", "nothing"]).output().unwrap();
    assert!(text(&ended.stderr).contains("there is no command `nothing`"), "{ended:?}");
}

#[test]
fn ec19_the_version_may_name_the_commit_and_options_of_all_commands_stand_last() {
    let version = said(&["--version"]);
    let rest = version.trim_end().strip_prefix(concat!("kith ", env!("CARGO_PKG_VERSION")));
    let rest = rest.unwrap();
    assert!(rest.is_empty() || rest.starts_with(" (") && rest.len() == 15, "{version}");
    for command in ["import", "export", "serve", "token", "check"] {
        let help = said(&[command, "--help"]);
        let (own, global) = help.split_once("\nGlobal options:\n").unwrap();
        for option in ["--data", "--table", "--endpoint", "--region", "--json", "--quiet"] {
            assert!(
                global.contains(option) && !own.contains(&format!("\n      {option}")),
                "{help}"
            );
        }
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    }
    // An option is not required if a variable has its value.
    let mut failed = kith(&["import"]);
    for variable in ["KITH_URL", "KITH_CLIENT_ID", "KITH_CLIENT_SECRET"] {
        failed.env(variable, "http://127.0.0.1:1");
    }
    let failed = failed.output().unwrap();
    assert!(!text(&failed.stderr).contains("--client-secret"), "{failed:?}");
    let ended = kith(&["client", "create", "--tenant", "acme", "--name", "x", "--scope", "a:b"]);
    let ended = { ended }.output().unwrap();
    for due in ["unknown scope `a:b`", "users:read", "administrator"] {
        assert!(text(&ended.stderr).contains(due), "{ended:?}");
    }
}

#[test]
fn a_collection_for_bruno_is_written_to_a_new_folder_alone() {
    let folder = std::env::temp_dir().join(format!("kith-bruno-{}", std::process::id()));
    let path = folder.to_str().unwrap();
    said(&["openapi", "--collection", "bruno", "--output", path]);
    assert!(folder.join("users/create_user.bru").is_file());
    for (arguments, due) in [
        (&["--collection", "bruno", "--output", path][..], "is not empty"),
        (&["--collection", "bruno"], "name a new one by --output"),
        (&["--collection", "postman", "--output", path], "which is printed"),
        (&["--output", path], "--collection <CLIENT>"),
    ] {
        let ended = kith(&[&["openapi"], arguments].concat()).output().unwrap();
        assert!(text(&ended.stderr).contains(due), "{ended:?}");
    }
    fs::remove_dir_all(folder).unwrap();
}
