//! The Lambda function `mailer`.

use mailer::{BUDGET_SECONDS, Handled, Mailer, MailerEvent, Ses, handle};
use shared::lambda::{self, Settings};

/// The way out of mail, and the sender.
struct Out {
    ses: Ses,
    from: String,
}

fn main() -> Result<(), lambda_runtime::Error> {
    lambda::start_on(out, &async |app, out: &Option<Out>, event: MailerEvent| {
        // People cannot be reached in this deployment: mails wait, and are gone after a day.
        let Some(Out { ses, from }) = out else { return Ok(Handled::default()) };
        let mailer = Mailer::new(app.clone(), ses, from)?;
        let until = app.env().clock.now().plus_seconds(BUDGET_SECONDS);
        handle(&mailer, event, until).await
    })
}

/// How mail leaves, if the environment names a sender.
fn out(settings: &Settings) -> Result<Option<Out>, lambda_runtime::Error> {
    let Some(from) = settings.mail_from.clone() else { return Ok(None) };
    let configuration_set = settings.mail_configuration_set.clone();
    let ses = Ses { mailbox: settings.mailbox()?, configuration_set };
    Ok(Some(Out { ses, from }))
}
