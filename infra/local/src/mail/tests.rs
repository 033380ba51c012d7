//! Mails in a folder, and to an SMTP server of the test.

use std::os::unix::fs::PermissionsExt as _;

use shared::domain::id::UserId;
use shared::domain::people::MailKind;
use shared::env::{Clock, Env, Random, Timestamp};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;

const LINK: &str = "http://localhost:3000/idhub/login/link#acme.secret";

fn message() -> Message {
    let mime = format!("Subject: Hello\r\nTo: jan@example.org\r\n\r\n.dot\r\n{LINK}\r\n");
    Message {
        kind: MailKind::Invitation,
        tenant: "acme".parse().unwrap(),
        user: UserId::new(Env::default().new_uuid()),
        from: "no-reply@example.org".to_owned(),
        to: "jan@example.org".to_owned(),
        subject: "Hello".to_owned(),
        text: LINK.to_owned(),
        link: Some(LINK.to_owned()),
        mime: mime.into_bytes(),
    }
}

/// A server that takes one connection and answers the recipient so; gives what it was told.
async fn server(recipient: &'static str) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let heard = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        converse(stream, recipient).await
    });
    (url, heard)
}

async fn converse(stream: TcpStream, recipient: &str) -> Vec<String> {
    let (read, mut write) = stream.into_split();
    let (mut lines, mut heard) = (BufReader::new(read).lines(), Vec::new());
    write.write_all(b"220 test\r\n").await.unwrap();
    let mut content = false;
    while let Some(line) = lines.next_line().await.unwrap() {
        let answer = match line.split(' ').next().unwrap().to_ascii_uppercase().as_str() {
            "." if content => "250 taken",
            _ if content => "",
            "EHLO" => "250 test",
            "RCPT" => recipient,
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ => "250 yes",
        };
        content = answer.starts_with("354") || content && line != ".";
        heard.push(line);
        if !answer.is_empty() && write.write_all(format!("{answer}\r\n").as_bytes()).await.is_err()
        {
            break;
        }
    }
    heard
}

#[tokio::test]
async fn g51_an_smtp_server_gets_the_message_as_it_is() {
    let (url, heard) = server("250 yes").await;
    let smtp: Smtp = url.parse().unwrap();
    smtp.send(&message()).await.unwrap();
    let heard = heard.await.unwrap();
    let position = |due: &str| {
        let found = heard.iter().position(|line| line.starts_with(due));
        found.unwrap_or_else(|| panic!("{due} is not in {heard:?}"))
    };
    let from = position("MAIL FROM:<no-reply@example.org>");
    let to = position("RCPT TO:<jan@example.org>");
    let data = position("DATA");
    assert!(from < to && to < data, "{heard:?}");
    // A dot at the start of a line is doubled on the way (RFC 5321 §4.5.2).
    let sent = ["Subject: Hello", "To: jan@example.org", "", "..dot", LINK];
    assert_eq!(heard[data + 1..data + 6], sent);
}

#[tokio::test]
async fn g37_a_server_that_refuses_for_good_is_not_asked_again() {
    for (recipient, due) in [
        ("550 no such <jan@example.org>", SendError::Refused("550".to_owned())),
        ("450 busy <jan@example.org>", SendError::Unavailable("450".to_owned())),
        ("530 sign in", SendError::Unavailable("530".to_owned())),
    ] {
        let (url, _) = server(recipient).await;
        let smtp: Smtp = url.parse().unwrap();
        assert_eq!(smtp.send(&message()).await, Err(due), "{recipient}");
    }
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let smtp: Smtp = format!("smtp://{nobody}").parse().unwrap();
    let error = smtp.send(&message()).await.unwrap_err();
    assert_eq!(error, SendError::Unavailable("no connection".to_owned()));
}

#[tokio::test]
async fn g51_a_mail_in_the_folder_is_for_its_owner_alone() {
    let clock = Clock::stopped_at(Timestamp::from_millis(1_795_255_200_000));
    let env = Env { clock, random: Random::default() };
    let path = std::env::temp_dir().join(format!("kith-test-{}-outbox", std::process::id()));
    let folder = Folder::new(path.clone(), env);
    folder.send(&message()).await.unwrap();
    folder.send(&message()).await.unwrap();
    let mut names: Vec<_> = std::fs::read_dir(&path)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names.len(), 2, "{names:?}");
    for name in &names {
        assert!(name.starts_with("20261121T100000000Z-invitation-"), "{name}");
        let file = path.join(name);
        assert_eq!(std::fs::read(&file).unwrap(), message().mime);
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    std::fs::remove_dir_all(path).unwrap();
}

#[tokio::test]
async fn g51_the_terminal_is_told_of_what_was_sent_alone() {
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let heard = told.clone();
    let teller: Teller = Arc::new(move |message: &Message| {
        heard.lock().unwrap().push(message.link.clone());
    });
    let file = std::env::temp_dir().join(format!("kith-test-{}-no-folder", std::process::id()));
    std::fs::write(&file, "").unwrap();
    let route = Route::Folder(Folder::new(file.clone(), Env::default()));
    let way = Told { route, teller: Some(teller.clone()) };
    assert!(matches!(way.send(&message()).await, Err(SendError::Unavailable(_))));
    assert!(told.lock().unwrap().is_empty());
    let (url, _) = server("250 yes").await;
    let way = Told { route: Route::Smtp(url.parse().unwrap()), teller: Some(teller) };
    way.send(&message()).await.unwrap();
    assert_eq!(*told.lock().unwrap(), [Some(LINK.to_owned())]);
    std::fs::remove_file(file).unwrap();
}
