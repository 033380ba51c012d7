//! What surrounds each page, and the parts of which forms are made.

use std::borrow::Cow;

use maud::{DOCTYPE, Markup, html};
use shared::domain::id::TenantId;
use shared::env::Timestamp;
use time::OffsetDateTime;

use crate::assets::{SCRIPT, STYLE};
use crate::texts::{Date, Locale, Texts};

/// The looks of a tenant's pages.
pub(crate) struct Brand {
    /// The name at the top of each page and in its title.
    pub(crate) name: String,
    /// The path of the stylesheet, which sets the two colours.
    pub(crate) style: String,
}

impl Brand {
    /// The looks of a tenant's pages, or of the pages that belong to no tenant.
    pub(crate) fn of(tenant: Option<&TenantId>) -> Self {
        let name = tenant.map_or_else(|| "Kith".to_owned(), ToString::to_string);
        Self { name, style: STYLE.path() }
    }
}

/// What surrounds a page: its language and its looks.
pub(crate) struct Shell {
    /// The language.
    pub(crate) locale: Locale,
    /// The texts in that language.
    pub(crate) texts: &'static Texts,
    /// The looks.
    pub(crate) brand: Brand,
}

impl Shell {
    /// The surroundings of a page in this language, with the looks of this tenant.
    pub(crate) fn new(locale: Locale, tenant: Option<&TenantId>) -> Self {
        Self { locale, texts: Texts::of(locale), brand: Brand::of(tenant) }
    }

    /// A whole document. `problem` is what is wrong with the form that was sent.
    pub(super) fn document(
        &self,
        title: &str,
        problem: Option<&Problem<'_>>,
        content: &Markup,
    ) -> Markup {
        html! {
            (DOCTYPE)
            html lang=(self.locale.tag()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title {
                        @if problem.is_some() { (self.texts.common.problem) ": " }
                        (title) " – " (self.brand.name)
                    }
                    link rel="stylesheet" href=(self.brand.style);
                    script src=(SCRIPT.path()) defer {}
                }
                body {
                    header { p { (self.brand.name) } }
                    main {
                        h1 { (title) }
                        @if let Some(problem) = problem { (problem.summary(self.texts)) }
                        (content)
                    }
                }
            }
        }
    }

    /// Writes a time in the language of the page.
    pub(crate) fn time(&self, time: Timestamp) -> String {
        date(self.texts, time)
    }

    /// A path of this service that keeps the language and the tenant.
    pub(super) fn path(&self, path: &str, tenant: &TenantId) -> String {
        format!("{path}?tenant={tenant}&ui_locales={}", self.locale.tag())
    }
}

/// Writes a time, in UTC.
pub(crate) fn date(texts: &Texts, time: Timestamp) -> String {
    let Ok(time) = OffsetDateTime::from_unix_timestamp(time.seconds()) else {
        return time.to_string();
    };
    (texts.date)(&Date {
        year: time.year(),
        month: usize::from(u8::from(time.month())).saturating_sub(1),
        day: time.day(),
        hour: time.hour(),
        minute: time.minute(),
    })
}

/// What is wrong with a form that was sent.
pub(super) struct Problem<'a> {
    /// What is wrong, in the language of the page.
    pub(super) text: Cow<'a, str>,
    /// More that helps.
    pub(super) advice: Option<&'a str>,
    /// The id of the field at fault, which gets the focus.
    pub(super) field: Option<&'a str>,
}

/// The id of the summary. Fields at fault name it as their description.
pub(super) const PROBLEM: &str = "problem";

impl<'a> Problem<'a> {
    /// A problem with a field.
    pub(super) const fn with(field: &'a str, text: &'a str) -> Self {
        Self { text: Cow::Borrowed(text), advice: None, field: Some(field) }
    }

    /// A problem that no single field has.
    pub(super) const fn of(text: &'a str) -> Self {
        Self { text: Cow::Borrowed(text), advice: None, field: None }
    }

    /// The summary at the top of the page, which leads to the field.
    fn summary(&self, texts: &Texts) -> Markup {
        html! {
            div.problem id=(PROBLEM) role="alert" {
                h2 { (texts.common.problem) }
                p {
                    @if let Some(field) = self.field { a href={ "#" (field) } { (self.text) } }
                    @else { (self.text) }
                }
                @if let Some(advice) = self.advice { p { (advice) } }
            }
        }
    }
}

/// The hidden fields of each form.
#[derive(Clone, Copy)]
pub(crate) struct Form<'a> {
    /// The sealed state of the page; may be empty.
    pub(crate) state: &'a str,
    /// The token without which no form is taken.
    pub(crate) token: &'a str,
}

impl Form<'_> {
    /// The hidden fields.
    pub(crate) fn hidden(&self) -> Markup {
        html! {
            @if !self.state.is_empty() { input type="hidden" name="state" value=(self.state); }
            input type="hidden" name="form_token" value=(self.token);
        }
    }
}

/// A text field.
pub(super) struct Field<'a> {
    /// Its name and id.
    pub(super) name: &'a str,
    /// Its label.
    pub(super) label: &'a str,
    /// The kind of input: `text`, `email` or `password`.
    pub(super) kind: &'a str,
    /// What a browser fills in.
    pub(super) autocomplete: &'a str,
    /// What it holds.
    pub(super) value: &'a str,
    /// What to enter.
    pub(super) hint: Option<&'a str>,
    /// Whether the form that was sent is refused for this field.
    pub(super) wrong: bool,
    /// Whether it gets the focus.
    pub(super) focus: bool,
    /// Whether it shows a value that cannot be changed.
    pub(super) fixed: bool,
}

impl<'a> Field<'a> {
    /// An empty field of this kind.
    pub(super) const fn new(
        kind: &'a str,
        name: &'a str,
        label: &'a str,
        autocomplete: &'a str,
    ) -> Self {
        Self {
            name,
            label,
            kind,
            autocomplete,
            value: "",
            hint: None,
            wrong: false,
            focus: false,
            fixed: false,
        }
    }

    /// What it holds.
    pub(super) const fn value(self, value: &'a str) -> Self {
        Self { value, ..self }
    }

    /// What to enter.
    pub(super) const fn hint(self, hint: &'a str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    /// Whether it is at fault; then it gets the focus.
    pub(super) const fn wrong(self, wrong: bool) -> Self {
        Self { wrong, focus: self.focus || wrong, ..self }
    }

    /// Whether it gets the focus.
    pub(super) const fn focus(self, focus: bool) -> Self {
        Self { focus, ..self }
    }

    /// The field with its label, its hint and, for a password, the button that shows it.
    pub(super) fn show(&self, texts: &Texts) -> Markup {
        let hint = self.hint.map(|_| format!("{}-hint", self.name));
        let described = match (&hint, self.wrong) {
            (Some(hint), true) => Some(format!("{PROBLEM} {hint}")),
            (Some(hint), false) => Some(hint.clone()),
            (None, true) => Some(PROBLEM.to_owned()),
            (None, false) => None,
        };
        let secret = self.kind == "password";
        let plain = (!secret).then_some("none");
        html! {
            div.field {
                label for=(self.name) { (self.label) }
                @if let (Some(hint), Some(text)) = (&hint, self.hint) { p.hint id=(hint) { (text) } }
                div.input {
                    input id=(self.name) name=(self.name) type=(self.kind) value=(self.value)
                        autocomplete=(self.autocomplete) autocapitalize=[plain] spellcheck="false"
                        required[!self.fixed] readonly[self.fixed] autofocus[self.focus]
                        aria-invalid=[self.wrong.then_some("true")]
                        aria-describedby=[described];
                    @if secret {
                        button.show type="button" hidden aria-controls=(self.name)
                            data-hide=(texts.common.hide) { (texts.common.show) }
                    }
                }
            }
        }
    }
}

/// The username as password managers find it, in a form that asks for a new password.
pub(super) fn hidden_username(username: &str) -> Markup {
    html! {
        input type="text" name="username" autocomplete="username" value=(username) readonly hidden;
    }
}

/// A button that sends its form.
pub(super) fn submit(text: &str) -> Markup {
    html! { button type="submit" { (text) } }
}

/// Links that lead on, below the content.
pub(super) fn ways(links: &[(&str, &str)]) -> Markup {
    html! {
        @if !links.is_empty() {
            ul.ways { @for (address, text) in links { li { a href=(address) { (text) } } } }
        }
    }
}
