//! Which user a server means by a subject, and by which subject an application knows a user.

use shared::domain::error::{Error, Violations};
use shared::domain::sso::{Side, SubjectQuery, refuse_absent};
use shared::http::Call;
use shared::http::answer::{Answer, HandlerResult};
use shared::object;

/// Answers with the one user that a subject of an authentication server belongs to.
pub(crate) async fn user(mut call: Call) -> HandlerResult {
    let question = SubjectQuery::which_user(call.take_body())?;
    let tenant = &call.caller.tenant;
    let mut found = call
        .app
        .decide(tenant, async |schema| {
            let Some(server) = schema.servers.get(question.party.as_str()) else {
                return Err(unknown(Side::Server.field(), question.party.as_str()));
            };
            call.app.table().users_by_subject(tenant, &server.stored.value, &question.about).await
        })
        .await?;
    let user = match (found.pop(), found.len()) {
        (None, _) => return Err(Error::NotFound),
        (Some(user), 0) => user,
        (Some(_), others) => return Err(Error::Several(others + 1)),
    };
    call.preconditions.check_write(&[user.tag()])?;
    let schema = call.app.schema_of(tenant, [&user.value]).await?;
    Ok(Answer::resource(user.value.show(&schema), user.tag()))
}

/// Answers with the subject by which an application knows a user.
pub(crate) async fn subject(mut call: Call) -> HandlerResult {
    let question = SubjectQuery::which_subject(call.take_body())?;
    let tenant = &call.caller.tenant;
    call.app
        .decide(tenant, async |schema| {
            let table = call.app.table();
            let application = schema.applications.get(question.party.as_str());
            let user = table.find_named(tenant, &question.about).await?;
            let mut violations = Violations::default();
            if application.is_none() {
                let party = question.party.as_str();
                refuse_absent(Side::Application.field(), party, &mut violations);
            }
            if user.is_none() {
                refuse_absent("user_id", &question.about.to_string(), &mut violations);
            }
            let (application, user) =
                violations.check(application.zip(user))?.ok_or(Error::NotFound)?;
            let subject = table
                .subject_of(tenant, &application.stored.value, &user)
                .await?
                .ok_or(Error::NotFound)?;
            call.preconditions.check_collection()?;
            Ok(Answer::content(object! {
                "application_id" => &question.party,
                "user_id" => user.value.id,
                "subject" => subject,
            }))
        })
        .await
}

fn unknown(field: &str, id: &str) -> Error {
    let mut violations = Violations::default();
    refuse_absent(field, id, &mut violations);
    Error::Invalid(violations.into_broken())
}
