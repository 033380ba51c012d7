//! What Lambda calls the function with: records of the table's stream, notifications of SNS, or
//! the event of a schedule.

use serde::{Deserialize, Serialize};
use shared::domain::error::{Error, Result};
use shared::env::Timestamp;
use shared::lambda::StreamRecord;

use crate::{Deliveries, Mailer, Transport};

/// An event. One without records is the schedule's.
#[derive(Debug, Default, Deserialize)]
pub struct MailerEvent {
    #[serde(default, rename = "Records")]
    records: Vec<Record>,
}

/// A record. Missing members count as empty, so that one malformed record does not hold up the
/// others.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Record {
    #[serde(flatten)]
    change: StreamRecord,
    #[serde(rename = "Sns")]
    sns: Option<Notified>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Notified {
    #[serde(rename = "Message")]
    message: String,
}

/// The response to Lambda. No record of the stream is sent again: what failed waits in the outbox,
/// and the schedule tries it.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Handled {
    /// The records that failed; always none.
    #[serde(rename = "batchItemFailures")]
    pub failures: [(); 0],
    /// What became of the mails.
    #[serde(flatten)]
    pub deliveries: Deliveries,
}

/// Handles one event. Fails if a notification could not be noted or the outbox could not be read;
/// Lambda repeats the event then.
pub async fn handle(
    mailer: &Mailer<impl Transport>,
    event: MailerEvent,
    until: Timestamp,
) -> Result<Handled> {
    if event.records.is_empty() {
        let deliveries = mailer.deliver_due(until).await?;
        // An alarm reads it.
        tracing::info!(operation = "mails", oldest_mail_seconds = deliveries.oldest_seconds);
        return Ok(Handled { deliveries, ..Handled::default() });
    }
    let (mut inserted, mut failure) = (Vec::new(), None);
    for Record { change, sns } in event.records {
        if let Some(notified) = sns {
            let noted = mailer.note_failure(&notified.message).await;
            failure = noted.err().or(failure);
        } else if change.is_insert() {
            inserted.push(change.key());
        }
    }
    let deliveries = mailer.deliver_some(inserted.iter(), until).await;
    failure.map_or(Ok(Handled { deliveries, ..Handled::default() }), Err::<_, Error>)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g37_the_answer_asks_for_no_repetition_of_records() {
        let answer = serde_json::to_value(Handled::default()).unwrap();
        assert_eq!(answer["batchItemFailures"], serde_json::json!([]));
    }

    #[test]
    fn g37_events_of_the_stream_of_sns_and_of_the_schedule_are_read() {
        let read = |text: &str| serde_json::from_str::<MailerEvent>(text).unwrap().records;
        let stream = read(
            "{\"Records\":[{\"eventID\":\"1\",\"eventName\":\"INSERT\",\"dynamodb\":{\"Keys\":\
             {\"pk\":{\"S\":\"OUTBOX#0\"},\"sk\":{\"S\":\"a#b\"}},\"SequenceNumber\":\"1\"}}]}",
        );
        let (change, key) = (&stream[0].change, stream[0].change.key());
        assert!(change.is_insert());
        assert_eq!((key.pk(), key.sk()), ("OUTBOX#0", "a#b"));
        let sns = "{\"Records\":[{\"EventSource\":\"aws:sns\",\"Sns\":{\"Message\":\"{}\"}}]}";
        assert_eq!(read(sns)[0].sns.as_ref().unwrap().message, "{}");
        assert!(read("{\"sweep\":true}").is_empty());
    }
}
