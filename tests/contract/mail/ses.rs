//! How messages are sent through SES.

use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mailer::{Message, SendError, Ses, Transport as _};
use serde_json::Value;
use shared::aws::Account;
use shared::env::Clock;
use shared::https::Trust;

use super::*;

type Got = Arc<Mutex<Vec<Value>>>;

/// A server of SES that gives these answers in turn, and the way there.
async fn answering(answers: &[(u16, &'static str)]) -> (Ses, Got) {
    let (got, left) = (Got::default(), Arc::new(Mutex::new(answers.to_vec())));
    let seen = got.clone();
    let router = Router::new().fallback(
        async move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            assert_eq!(format!("{method} {uri}"), "POST /v2/email/outbound-emails");
            assert_eq!(headers["content-type"], "application/json");
            let authorization = headers["authorization"].to_str().unwrap();
            assert!(authorization.contains("/eu-west-1/ses/aws4_request"), "{authorization}");
            seen.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
            let (status, code) = left.lock().unwrap().remove(0);
            let status = StatusCode::from_u16(status).unwrap();
            let kind = format!("{code}:http://internal.amazon.com/");
            (status, [("x-amzn-errortype", kind)], "{\"message\":\"jan@example.org is bad\"}")
        },
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let credentials = Credentials::new("AKID", "secret", None, None, "test");
    let account = Account::new(Trust::Amazon, credentials, Clock::default(), Some(endpoint));
    let mailbox = account.unwrap().mailbox("eu-west-1");
    (Ses { mailbox, configuration_set: Some("kith".to_owned()) }, got)
}

async fn message() -> (Post, Message) {
    let (post, way) = (Post::open().await, Postbox::default());
    post.put(&post.mail(MailKind::NewDevice)).await;
    post.deliver(&way).await;
    let message = way.messages().remove(0);
    (post, message)
}

#[tokio::test]
async fn g72_ses_gets_the_message_with_the_tags_that_name_its_user() {
    let (post, message) = message().await;
    let (ses, got) = answering(&[(200, "")]).await;
    ses.send(&message).await.unwrap();
    let got = got.lock().unwrap();
    let [sent] = &**got else { panic!("{got:?}") };
    assert_eq!(sent["FromEmailAddress"], "no-reply@kith.example");
    assert_eq!(sent["Destination"], json!({ "ToAddresses": ["jan@example.org"] }));
    assert_eq!(sent["ConfigurationSetName"], "kith");
    let tags = json!([
        { "Name": "tenant", "Value": TENANT }, { "Name": "user", "Value": post.jan.id },
    ]);
    assert_eq!(sent["EmailTags"], tags);
    let mime = STANDARD.decode(sent["Content"]["Raw"]["Data"].as_str().unwrap()).unwrap();
    assert_eq!(mime, message.mime);
}

#[tokio::test]
async fn g37_what_ses_refuses_is_told_by_its_code_without_the_address() {
    let (_, message) = message().await;
    for (answers, due) in [
        (&[(429, "TooManyRequestsException"), (200, "")][..], None),
        (&[(400, "MessageRejected")], Some(SendError::Refused("MessageRejected".to_owned()))),
        // The account has to be mended, and the mail waits.
        (
            &[(400, "MailFromDomainNotVerifiedException")],
            Some(SendError::Unavailable("MailFromDomainNotVerifiedException".to_owned())),
        ),
        (
            &[(403, "AccessDeniedException")],
            Some(SendError::Unavailable("AccessDeniedException".to_owned())),
        ),
        (
            &[(503, "ServiceUnavailable"); 3],
            Some(SendError::Unavailable("ServiceUnavailable".to_owned())),
        ),
    ] {
        let (ses, got) = answering(answers).await;
        assert_eq!(ses.send(&message).await.err(), due);
        assert_eq!(got.lock().unwrap().len(), answers.len(), "{due:?}");
    }
}
