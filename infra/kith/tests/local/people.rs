//! People who sign in at `kith serve`: the invitation of the administrator, the tour, and the
//! operator's commands on the table that is lent.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::service::{Service, kith, text};

/// Runs a command on the table that a service lends.
fn beside(service: &Service, arguments: &[&str]) -> Result<Value, String> {
    let mut command = kith(&["--table", "kith", "--endpoint", &service.endpoint]);
    command.args(["--region", "local", "--json"]).args(arguments);
    command.env("AWS_ACCESS_KEY_ID", "local").env("AWS_SECRET_ACCESS_KEY", "local");
    let ended = command.output().unwrap();
    if !ended.status.success() {
        return Err(text(&ended.stderr).to_owned());
    }
    Ok(serde_json::from_slice(&ended.stdout).unwrap_or(Value::Null))
}

#[test]
fn g63_serve_prints_the_link_of_the_administrator_at_localhost() {
    let folder = std::env::temp_dir().join(format!("kith-local-{}-link", std::process::id()));
    let mut child = kith(&["serve", "--memory", "--listen", "127.0.0.1:0", "--data"])
        .arg(&folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let first = lines.next().unwrap();
    let url = first.strip_prefix("Kith serves on ").unwrap().split(' ').next().unwrap().to_owned();
    assert!(url.starts_with("http://localhost:"), "{first}");
    let start = format!("{url}/idhub/login/link#acme.");
    let link = lines.find(|line| line.trim().starts_with(&start)).unwrap();
    let _ = (child.kill(), child.wait());
    assert_eq!(link.trim().len(), start.len() + 43, "{link}");
    let env = fs::read_to_string(folder.join("demo.env")).unwrap();
    assert!(env.contains(&format!("KITH_URL={url}\n")), "{env}");
    assert!(env.contains("KITH_PEOPLE_CLIENT_ID=acme."), "{env}");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn g1_the_tour_of_people_walks_from_the_invitation_to_the_sign_out() {
    let service = Service::start("people");
    let walked = service.run(&["tour", "--people"]);
    let said = text(&walked.stdout);
    assert!(walked.status.success(), "{said}{}", text(&walked.stderr));
    assert!(said.contains(" steps succeeded."), "{said}");
    for step in ["Set a password", "exchanges the code", "Who has signed in", "Sign out"] {
        assert!(said.contains(step), "{step}: {said}");
    }
    // Tokens are shown in part, and passwords not at all.
    assert!(!said.contains("new_password=") || said.contains("new_password=…"), "{said}");
    for token in said.split("eyJ").skip(1) {
        assert!(token.chars().take(14).any(|shown| shown == '…'), "{said}");
    }
}

#[test]
fn g73_an_operator_works_on_the_table_of_a_running_service() {
    let service = Service::start("operator");
    let base = ["--base-url", "https://id.example.org"];
    let invite = ["admin", "invite", "--tenant", "acme", "--username", "root"];
    let invited = beside(&service, &[&invite[..], &base].concat()).unwrap();
    assert_eq!(invited["created"], true);
    let link = invited["link"].as_str().unwrap();
    assert!(link.starts_with("https://id.example.org/idhub/login/link#acme."), "{link}");
    let again = beside(&service, &[&invite[..], &base].concat()).unwrap();
    assert_eq!((&again["created"], &again["user_id"]), (&Value::Bool(false), &invited["user_id"]));
    assert_ne!(again["link"], invited["link"]);

    let reset = ["credential", "reset", "--tenant", "acme", "root"];
    let reset = beside(&service, &[&reset[..], &base].concat()).unwrap();
    assert_eq!(reset["user_id"], invited["user_id"]);
    let ended = ["session", "end", "--tenant", "acme", "--user", "root"];
    assert_eq!(beside(&service, &ended).unwrap()["users"], 1);
    let resumed = ["mail", "resume", "--tenant", "acme", "root"];
    assert_eq!(beside(&service, &resumed).unwrap()["resumed"], false);
    assert_eq!(
        beside(&service, &["mail", "list", "--tenant", "acme"]).unwrap(),
        Value::Array(vec![])
    );
    for (arguments, due) in [
        (&invite[..], "name the base URL of the service by --base-url"),
        (
            &["credential", "adopt", "--tenant", "acme", "--attribute", "common.employee-number"],
            "expected an attribute of HASH",
        ),
        (
            &[
                "credential",
                "reset",
                "--tenant",
                "acme",
                "nobody",
                "--base-url",
                "http://localhost",
            ],
            "tenant `acme` has no user `nobody`",
        ),
        (&[&invite[..], &["--base-url", "http://id.example.org"]].concat(), "expected https://"),
        (&[&invite[..], &base, &["--email", "x"]].concat(), "--email: expected an e-mail address"),
        (&[&invite[..], &base, &["--email", "x@y.example"]].concat(), "omit --email"),
    ] {
        let error = beside(&service, arguments).unwrap_err();
        assert!(error.contains(due), "{error}");
    }
}

#[test]
fn g51_serve_refuses_to_send_mail_unsafely() {
    for (arguments, due) in [
        (&["--smtp", "smtp://localhost:25"][..], "--mail-from"),
        (&["--mail-from", "no-reply@example.org"], "--smtp"),
        (
            &["--smtp", "smtp://mail.example.org", "--mail-from", "a@example.org"],
            "smtps://user:password@host",
        ),
        (&["--smtp", "smtp://localhost:25", "--mail-from", "no address"], "--mail-from"),
        (&["--base-url", "http://id.example.org"], "http://localhost:3000"),
        (&["--base-url", "https://id.example.org/path"], "expected https://"),
    ] {
        let folder = std::env::temp_dir().join(format!("kith-local-{}-mail", std::process::id()));
        let serve = kith(&["serve", "--memory", "--listen", "127.0.0.1:0", "--data"])
            .arg(&folder)
            .args(arguments)
            .output()
            .unwrap();
        assert!(!serve.status.success(), "{arguments:?}");
        assert!(text(&serve.stderr).contains(due), "{arguments:?}: {}", text(&serve.stderr));
        let _ = fs::remove_dir_all(folder);
    }
}
