//! The pages, as HTML that works without JavaScript. Every text of a page comes from
//! [`Texts`](crate::texts::Texts); every value is escaped by `maud` (rule G68).

pub(crate) mod account;
mod errors;
mod forgot;
mod layout;
mod leaving;
mod link;
pub(crate) mod passkeys;
mod password;
mod sign_in;
mod steps;
#[cfg(test)]
mod tests;

pub(crate) use self::errors::{ErrorPage, Failure, error};
pub(crate) use self::forgot::{Ask, ForgotPage, forgot, sent};
pub(crate) use self::layout::{Form, Shell};
pub(crate) use self::leaving::{SignOut, form_post, open_application, sign_out, signed_out};
pub(crate) use self::link::set_password;
pub(crate) use self::link::{Answered, LinkPage, PasswordPage, Question, answered, link, question};
pub(crate) use self::password::{NewPassword, new_password};
pub(crate) use self::sign_in::{SignIn, SignInFailure, sign_in};
pub(crate) use self::steps::{
    AccountChoice, Consent, PersonaChoice, PersonaOption, choose_account, choose_persona, consent,
};
