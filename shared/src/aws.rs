//! Requests to a service of AWS, signed by the SDK's own signer: for a service of which two or
//! three operations are used. A crate of the SDK knows all operations of its service, and weighs as
//! much.

mod ses;

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningInstructions,
    SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_types::body::SdkBody;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request};
use http_body_util::{BodyExt as _, Limited};
use ring::digest::{SHA256, digest};
use serde_json::Value;
use tokio::time::timeout;

pub use self::ses::{Mailbox, RawMail};
use crate::domain::error::Error;
use crate::env::Clock;
use crate::https::{self, Connections, Trust};

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(1);
/// How long one attempt to store an object may take: it has some megabytes.
const STORING: Duration = Duration::from_secs(5);
/// How often a request is sent that is not answered, or answered that the service is busy.
const ATTEMPTS: u32 = 3;
/// How long the first pause between attempts is; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(50);
/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// Why a service gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceError {
    /// It cannot be reached, or is busy.
    Unavailable(String),
    /// It refuses the request; the code of its error, such as `AccessDeniedException`.
    Refused(String),
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(why) => write!(f, "no answer: {why}"),
            Self::Refused(code) => f.write_str(code),
        }
    }
}

impl std::error::Error for ServiceError {}

impl ServiceError {
    /// The error of what was asked, as a function answers it.
    #[must_use]
    pub fn of(self, asked: &str) -> Error {
        match self {
            Self::Unavailable(why) => Error::Unavailable(format!("{asked}: {why}")),
            Self::Refused(code) => Error::unexpected(format_args!("{asked}: {code}")),
        }
    }
}

/// The account by which services are asked; clones share the connections.
#[derive(Clone, Debug)]
pub struct Account {
    http: Connections,
    credentials: Credentials,
    clock: Clock,
    /// Where each service is, instead of at its own address.
    endpoint: Option<String>,
}

/// A service in a region.
#[derive(Clone, Debug)]
pub struct Service {
    account: Account,
    name: &'static str,
    region: String,
    url: String,
    /// How long one attempt may take.
    attempt: Duration,
}

/// A bucket of S3.
#[derive(Clone, Debug)]
pub struct Bucket(Service);

/// The name of S3.
const S3: &str = "s3";

impl Account {
    /// Makes one; no connection is opened.
    pub fn new(
        trust: Trust,
        credentials: Credentials,
        clock: Clock,
        endpoint: Option<String>,
    ) -> Result<Self, rustls::Error> {
        Ok(Self { http: https::connections(trust)?, credentials, clock, endpoint })
    }

    /// A service by its name, in the partition and the region of an ARN. The name is the first
    /// label of its host, and requests are signed for it.
    #[must_use]
    pub fn service(&self, name: &'static str, arn: &str) -> Service {
        let mut parts = arn.split(':').skip(1);
        let partition = parts.next().unwrap_or_default();
        let region = parts.nth(1).unwrap_or_default();
        let own = || format!("https://{name}.{region}.{}", domain(partition));
        let url = self.endpoint.clone().unwrap_or_else(own);
        self.service_at(name, region, url.trim_end_matches('/').to_owned(), ATTEMPT)
    }

    /// A bucket of S3 by its name, in a region. The name has no dots: it is one label of the host.
    #[must_use]
    pub fn bucket(&self, name: &str, region: &str) -> Bucket {
        let url = match &self.endpoint {
            Some(endpoint) => format!("{}/{name}", endpoint.trim_end_matches('/')),
            None => format!("https://{name}.{S3}.{region}.{}", domain(partition(region))),
        };
        Bucket(self.service_at(S3, region, url, STORING))
    }

    fn service_at(
        &self,
        name: &'static str,
        region: &str,
        url: String,
        attempt: Duration,
    ) -> Service {
        Service { account: self.clone(), name, region: region.to_owned(), url, attempt }
    }
}

/// The partition of a region.
fn partition(region: &str) -> &'static str {
    let starts = [
        ("cn-", "aws-cn"),
        ("eusc-", "aws-eusc"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("eu-isoe-", "aws-iso-e"),
    ];
    let known = starts.iter().find(|(start, _)| region.starts_with(start));
    known.map_or("aws", |(_, partition)| partition)
}

/// The domain of the endpoints of a partition.
fn domain(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "amazonaws.com.cn",
        "aws-eusc" => "amazonaws.eu",
        "aws-iso" => "c2s.ic.gov",
        "aws-iso-b" => "sc2s.sgov.gov",
        "aws-iso-e" => "cloud.adc-e.uk",
        "aws-iso-f" => "csp.hci.ic.gov",
        _ => "amazonaws.com",
    }
}

impl Service {
    /// Asks for an operation by the JSON protocol of AWS, in the version of it that the service
    /// speaks.
    pub async fn call(
        &self,
        version: &str,
        operation: &str,
        body: &Value,
    ) -> Result<Value, ServiceError> {
        let media_type = format!("application/x-amz-json-{version}");
        let headers = [(CONTENT_TYPE.as_str(), media_type.as_str()), (TARGET, operation)];
        self.ask(Method::POST, "/", &headers, body.to_string().into()).await
    }

    /// Reads a path of a service with a REST protocol.
    pub async fn get(&self, path: &str) -> Result<Value, ServiceError> {
        self.ask(Method::GET, path, &[], Bytes::new()).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Value, ServiceError> {
        let mut pause = PAUSE;
        for _ in 1..ATTEMPTS {
            let request = self.request(&method, path, headers, body.clone())?;
            match self.attempt(request).await {
                Err(ServiceError::Unavailable(_)) => tokio::time::sleep(pause).await,
                done => return done,
            }
            pause *= 2;
        }
        self.attempt(self.request(&method, path, headers, body)?).await
    }

    async fn attempt(&self, request: Request<SdkBody>) -> Result<Value, ServiceError> {
        let exchange = async {
            let answer = self.account.http.request(request).await.map_err(unavailable)?;
            let (status, code) = (answer.status(), answer.headers().get(ERROR).cloned());
            let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
            Ok((status, code, body.map_err(unavailable)?.to_bytes()))
        };
        let (status, code, body) = timeout(self.attempt, exchange).await.map_err(unavailable)??;
        let answer = serde_json::from_slice::<Value>(&body).unwrap_or_default();
        if status.is_success() {
            return Ok(answer);
        }
        // `com.amazonaws.kms#NotFoundException`, or without what is before `#`.
        let code = code.as_ref().and_then(|code| code.to_str().ok()?.split(':').next());
        let code = code.or_else(|| answer.get("__type").and_then(Value::as_str));
        let code = code.or_else(|| code_in_xml(&body)).unwrap_or(status.as_str());
        let code = code.rsplit('#').next().unwrap_or(code).to_owned();
        let is_busy = status.is_server_error()
            || status.as_u16() == 429
            || code.contains("hrottl")
            || code == "RequestTimeout";
        Err(if is_busy { ServiceError::Unavailable(code) } else { ServiceError::Refused(code) })
    }

    /// A signed request. A signature is valid for minutes, so each attempt has its own.
    fn request(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Request<SdkBody>, ServiceError> {
        let url = format!("{}{path}", self.url);
        let signature = self.signature(method, &url, headers, &body).map_err(unavailable)?;
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(SdkBody::from(body)).map_err(unavailable)?;
        signature.apply_to_request_http1x(&mut request);
        Ok(request)
    }

    /// How requests are signed: S3 alone takes paths as they are, and wants the hash of the body.
    fn settings(&self) -> SigningSettings {
        let mut settings = SigningSettings::default();
        if self.name == S3 {
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        }
        settings
    }

    fn signature(
        &self,
        method: &Method,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<SigningInstructions, Box<dyn std::error::Error + Send + Sync>> {
        let millis = u64::try_from(self.account.clock.now().millis())?;
        let identity = self.account.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.name)
            .time(UNIX_EPOCH + Duration::from_millis(millis))
            .settings(self.settings())
            .build()?
            .into();
        let headers = headers.iter().copied();
        let request =
            SignableRequest::new(method.as_str(), url, headers, SignableBody::Bytes(body))?;
        Ok(sign(request, &parameters)?.into_parts().0)
    }
}

impl Bucket {
    /// Stores an object, in the place of one with this key. The key needs no percent-encoding. Some
    /// buckets demand the checksum: those that keep versions of objects for a time.
    pub async fn put(
        &self,
        key: &str,
        media_type: &str,
        content: Bytes,
    ) -> Result<(), ServiceError> {
        let sum = STANDARD.encode(digest(&SHA256, &content));
        let headers = [(CONTENT_TYPE.as_str(), media_type), (CHECKSUM, sum.as_str())];
        self.0.ask(Method::PUT, &format!("/{key}"), &headers, content).await.map(drop)
    }
}

/// The code of an error of S3, which answers in XML.
fn code_in_xml(body: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(body).ok()?;
    Some(text.split_once("<Code>")?.1.split_once("</Code>")?.0)
}

/// The header with the code of an error of a REST protocol: `Name:http://…`.
const ERROR: &str = "x-amzn-errortype";
/// The header with the checksum of an object.
const CHECKSUM: &str = "x-amz-checksum-sha256";
/// The header that names an operation.
const TARGET: &str = "x-amz-target";

fn unavailable(error: impl fmt::Display) -> ServiceError {
    ServiceError::Unavailable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Timestamp;

    fn account(endpoint: Option<&str>) -> Account {
        let credentials = Credentials::new("AKID", "secret", Some("session".into()), None, "test");
        let clock = Clock::stopped_at(Timestamp::from_millis(1_795_255_200_000));
        Account::new(Trust::Amazon, credentials, clock, endpoint.map(str::to_owned)).unwrap()
    }

    #[test]
    fn a_service_is_where_its_arn_says() {
        for (arn, url) in [
            ("arn:aws:kms:eu-west-1:1:key/k", "https://kms.eu-west-1.amazonaws.com"),
            ("arn:aws-cn:kms:cn-north-1:1:key/k", "https://kms.cn-north-1.amazonaws.com.cn"),
            ("arn:aws-eusc:kms:eusc-de-east-1:1:key/k", "https://kms.eusc-de-east-1.amazonaws.eu"),
        ] {
            assert_eq!(account(None).service("kms", arn).url, url);
        }
        let other = account(Some("http://127.0.0.1:1/")).service("kms", "arn:aws:kms:r:1:key/k");
        assert_eq!((other.url.as_str(), other.region.as_str()), ("http://127.0.0.1:1", "r"));
    }

    #[test]
    fn a_request_is_signed_with_its_target_and_its_token() {
        let service = account(None).service("kms", "arn:aws:kms:eu-west-1:1:key/k");
        let headers = [(TARGET, "TrentService.Decrypt")];
        let request = service.request(&Method::POST, "/", &headers, Bytes::from("{}")).unwrap();
        let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("x-amz-date"), "20261121T100000Z");
        assert_eq!(header("x-amz-security-token"), "session");
        let authorization = header("authorization");
        assert!(
            authorization.starts_with(
                "AWS4-HMAC-SHA256 Credential=AKID/20261121/eu-west-1/kms/aws4_request, \
                 SignedHeaders=host;x-amz-date;x-amz-security-token;x-amz-target, Signature="
            ),
            "{authorization}"
        );
    }

    #[test]
    fn an_object_is_signed_with_the_hash_of_its_content() {
        let bucket = account(None).bucket("audit-1", "eu-west-1");
        assert_eq!(bucket.0.url, "https://audit-1.s3.eu-west-1.amazonaws.com");
        let china = account(None).bucket("audit-1", "cn-north-1");
        assert_eq!(china.0.url, "https://audit-1.s3.cn-north-1.amazonaws.com.cn");
        let local = account(Some("http://127.0.0.1:1/")).bucket("audit-1", "eu-west-1");
        assert_eq!(local.0.url, "http://127.0.0.1:1/audit-1");
        let headers = [(CHECKSUM, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")];
        let request = bucket.0.request(&Method::PUT, "/acme/a.json", &headers, Bytes::new());
        let request = request.unwrap();
        let header = |name: &str| request.headers()[name].to_str().unwrap();
        assert_eq!(
            header("x-amz-content-sha256"),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        let authorization = header("authorization");
        let signed = "SignedHeaders=host;x-amz-checksum-sha256;x-amz-content-sha256;x-amz-date;";
        assert!(authorization.contains(signed), "{authorization}");
    }

    #[test]
    fn an_error_of_s3_is_named_by_its_code() {
        let body = b"<?xml version=\"1.0\"?><Error><Code>NoSuchBucket</Code><Message/></Error>";
        assert_eq!(code_in_xml(body), Some("NoSuchBucket"));
        assert_eq!(code_in_xml(b"{}"), None);
    }

    #[tokio::test]
    async fn a_service_that_does_not_answer_is_unavailable() {
        let service = account(Some("http://127.0.0.1:9")).service("kms", "arn:aws:kms:r:1:key/k");
        let error = service.get("/").await.unwrap_err();
        assert!(matches!(error, ServiceError::Unavailable(_)), "{error}");
    }
}
