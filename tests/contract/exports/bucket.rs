//! How objects are sent to S3 (ADR 0064).

use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use shared::archive::{Archive, LINES};
use shared::aws::Account;
use shared::domain::error::Error;
use shared::env::Clock;
use shared::https::Trust;

/// What a server of S3 has got: method and path, media type, content.
type Got = Arc<Mutex<Vec<(String, String, Bytes)>>>;

/// A server that gives these answers in turn, and the bucket `audit` there.
async fn answering(answers: &[(u16, &'static str)]) -> (Archive, Got) {
    let (got, left) = (Got::default(), Arc::new(Mutex::new(answers.to_vec())));
    let seen = got.clone();
    let router = Router::new().fallback(
        async move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let media_type = headers["content-type"].to_str().unwrap().to_owned();
            assert!(headers["authorization"].to_str().unwrap().contains("content-type;"));
            assert!(headers.contains_key("x-amz-checksum-sha256"));
            seen.lock().unwrap().push((format!("{method} {uri}"), media_type, body));
            let (status, code) = left.lock().unwrap().remove(0);
            let status = StatusCode::from_u16(status).unwrap();
            (status, format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code></Error>"))
        },
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let credentials = Credentials::new("AKID", "secret", None, None, "test");
    let account =
        Account::new(Trust::Amazon, credentials, Clock::default(), Some(endpoint)).unwrap();
    (Archive::Bucket(Box::new(account.bucket("audit", "eu-west-1"))), got)
}

#[tokio::test]
async fn i3_an_object_is_sent_again_if_s3_is_busy() {
    let (archive, got) = answering(&[(503, "SlowDown"), (400, "RequestTimeout"), (200, "")]).await;
    archive.put("acme/10.ndjson", LINES, "{}\n").await.unwrap();
    let due = ("PUT /audit/acme/10.ndjson".to_owned(), LINES.to_owned(), Bytes::from("{}\n"));
    assert_eq!(*got.lock().unwrap(), vec![due; 3]);
    let (archive, got) = answering(&[(503, "SlowDown"); 3]).await;
    let error = archive.put("a", LINES, "").await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error}");
    assert_eq!(got.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn i3_an_object_that_s3_refuses_is_sent_once_and_the_code_is_named() {
    let (archive, got) = answering(&[(403, "AccessDenied")]).await;
    let error = archive.put("a", LINES, "").await.unwrap_err();
    assert!(!matches!(error, Error::Unavailable(_)), "{error}");
    assert!(format!("{error:?}").contains("S3 PutObject: AccessDenied"), "{error:?}");
    assert_eq!(got.lock().unwrap().len(), 1);
}
