//! Receipts: the record of a consent in the form of ISO/IEC TS 27560 and, while something is granted,
//! with the fields that Kantara's Consent Receipt 1.1 requires (ADR 0063). They are made of stored
//! items alone, so one state of a record has one receipt. What is not known is left out.

use std::collections::{BTreeMap, BTreeSet};

use super::chain::entry;
use super::purpose::Purpose;
use super::record::{ConsentEvent, ConsentRecord, Evidence, Method, PurposeState, RecordedPurpose};
use super::terms::{Controller, Terms};
use super::version::{ConsentText, LocaleText};
use crate::domain::id::PurposeId;
use crate::domain::json::{Json, Object};
use crate::domain::schema::Schema;
use crate::env::Timestamp;
use crate::object;

/// The language of what was read in a language that nobody knows (BCP 47).
const UNDETERMINED: &str = "und";

/// What a receipt is made of.
#[derive(Clone, Copy)]
pub struct ReceiptOf<'r> {
    /// The issuer and the base URL of the service.
    pub service: (&'r str, &'r str),
    /// What the reader of the receipt calls the person.
    pub principal: &'r str,
    /// What the person decided: the fold of the history.
    pub record: &'r ConsentRecord,
    /// Every entry, oldest first.
    pub history: &'r [ConsentEvent],
    /// The texts of the versions that the record names; of the latest one, if it names none.
    pub texts: &'r BTreeMap<u32, ConsentText>,
    /// The tenant's configuration.
    pub schema: &'r Schema,
    /// The time.
    pub now: Timestamp,
}

/// What somebody read before deciding.
struct Notice<'r> {
    text: &'r ConsentText,
    evidence: Option<&'r Evidence>,
}

impl ReceiptOf<'_> {
    /// The claims of the receipt.
    #[must_use]
    pub fn claims(&self) -> Object {
        let id = self.history.last().map(|event| event.id.clone()).unwrap_or_default();
        let mut claims = object! { "iss" => self.service.0, "piiPrincipalId" => self.principal };
        claims.extend(self.kantara(&id).unwrap_or_default());
        claims.insert("record".to_owned(), Json::Object(self.iso_record(&id)));
        claims.insert("evidence_sha256".to_owned(), Json::from(&self.record.digest));
        claims
    }

    /// What the person read of a purpose that was decided.
    fn notice(&self, recorded: &RecordedPurpose) -> Option<Notice<'_>> {
        let text = self.texts.get(&recorded.version?)?;
        let answered = recorded.answered;
        let event = self.history.iter().find(|event| Some(event.sequence) == answered);
        Some(Notice { text, evidence: event.map(|event| &event.evidence) })
    }

    /// The claims of Kantara's receipt; `None` if nothing is granted now. They name what is granted
    /// and nothing else: the time, the language and the text are those of the last grant.
    fn kantara(&self, id: &str) -> Option<Object> {
        let granted: Vec<_> = self
            .record
            .purposes
            .iter()
            .filter(|(_, recorded)| recorded.state(self.now) == PurposeState::Granted)
            .filter_map(|(id, recorded)| {
                let notice = self.notice(recorded)?;
                let purpose = notice.text.terms.purpose(id)?;
                Some((recorded, purpose, notice))
            })
            .collect();
        let (last, _, notice) =
            granted.iter().max_by_key(|(recorded, ..)| (recorded.given_at, recorded.sequence))?;
        let controllers = granted.iter().map(|(.., notice)| &notice.text.terms.controller);
        let shown = granted.iter().map(|(_, purpose, notice)| {
            Json::Object(self.kantara_purpose(purpose, &notice.text.terms))
        });
        let sensitive = granted.iter().map(|(_, purpose, _)| purpose).filter(|p| p.sensitive);
        let categories: BTreeSet<_> =
            sensitive.clone().flat_map(|purpose| self.categories(purpose)).collect();
        let method = notice.evidence.and_then(|evidence| evidence.method);
        Some(object! {
            "version" => "KI-CR-v1.1.0",
            "jurisdiction" => &notice.text.terms.jurisdiction,
            "consentTimestamp" => Json::Number(last.given_at.seconds().to_string()),
            "collectionMethod" => method.map_or("unknown", Method::name),
            "consentReceiptID" => id,
            "language" => notice.locale().unwrap_or(UNDETERMINED),
            "piiControllers" => distinct(controllers).into_iter()
                .map(|controller| Json::Object(kantara_controller(controller)))
                .collect::<Vec<_>>(),
            "policyUrl" => self.uri(notice),
            "services" => vec![Json::Object(object! {
                "service" => self.record.consent.as_str(),
                "purposes" => shown.collect::<Vec<_>>(),
            })],
            "sensitive" => sensitive.count() > 0,
            "spiCat" => categories.into_iter().map(Json::from).collect::<Vec<_>>(),
        })
    }

    fn kantara_purpose(&self, purpose: &Purpose, terms: &Terms) -> Object {
        let recipients: Vec<_> = purpose.recipients.iter().map(ToString::to_string).collect();
        let first = terms.purposes.first().is_some_and(|first| first.id == purpose.id);
        let kept = purpose.retention.clone().unwrap_or_else(|| "until withdrawn".to_owned());
        object! {
            "purpose" => &purpose.name,
            "purposeCategory" => vec![Json::from(terms.kind.name())],
            // What a record grants somebody said.
            "consentType" => "EXPLICIT",
            "piiCategory" => self.categories(purpose),
            "primaryPurpose" => first,
            "termination" => kept,
            "thirdPartyDisclosure" => !recipients.is_empty(),
            "thirdPartyName" => recipients.join(", "),
        }
    }

    /// The attributes of a purpose, by their names; by their ids where a name is not known.
    fn categories(&self, purpose: &Purpose) -> Vec<String> {
        let name = |id| {
            self.schema.attribute(id).map_or_else(
                || id.to_string(),
                |attribute| format!("{}.{}", attribute.category, attribute.name),
            )
        };
        purpose.attributes.iter().copied().map(name).collect()
    }

    /// Where the text is that was read; if the language is not known, where the version is.
    fn uri(&self, notice: &Notice<'_>) -> String {
        let of_text = notice.shown().and_then(|shown| shown.uri.clone());
        of_text.unwrap_or_else(|| {
            let (consent, number) = (&self.record.consent, notice.text.number);
            format!("{}/identity/consents/{consent}/versions/{number}", self.service.1)
        })
    }

    fn iso_record(&self, id: &str) -> Object {
        let mut texts = self.texts.values();
        let controllers = distinct(texts.clone().map(|text| &text.terms.controller));
        let purposes = texts.clone().flat_map(|text| &text.terms.purposes);
        let recipients: BTreeSet<_> = purposes.flat_map(|purpose| &purpose.recipients).collect();
        let parties = controllers
            .into_iter()
            .map(|controller| {
                object! {
                    "role" => "controller", "name" => &controller.name,
                    "contact" => &controller.contact
                }
            })
            .chain(
                recipients.into_iter().map(|id| object! { "role" => "recipient", "name" => id }),
            );
        // Those of the newest version that is named.
        let terms = texts.next_back().map(|text| &text.terms);
        let withdrawal = terms.and_then(|terms| terms.withdrawal.as_ref());
        let events = self.history.iter().map(|event| Json::Object(entry(event)));
        object! {
            "schema_version" => "ISO/IEC TS 27560:2023",
            "record_id" => id,
            "pii_principal_id" => self.principal,
            "audience" => self.record.audience.as_ref(),
            "notices" => self.notices(),
            "processing" => object! {
                "purposes" => self.iso_purposes(),
                "jurisdiction" => terms.map(|terms| terms.jurisdiction.clone()),
                "withdrawal_method" => withdrawal.and_then(|withdrawal| withdrawal.how.clone()),
                "withdrawal_consequence" =>
                    withdrawal.and_then(|withdrawal| withdrawal.consequence.clone()),
            },
            "parties" => parties.map(Json::Object).collect::<Vec<_>>(),
            "events" => events.collect::<Vec<_>>(),
        }
    }

    /// What was read, each with the purposes that were decided after it.
    fn notices(&self) -> Vec<Json> {
        let mut notices: BTreeMap<_, (Notice<'_>, Vec<&PurposeId>)> = BTreeMap::new();
        for (id, recorded) in &self.record.purposes {
            let Some(notice) = self.notice(recorded) else { continue };
            let Some(evidence) = notice.evidence else { continue };
            let key = (notice.text.number, &evidence.locale, &evidence.text_sha256);
            notices.entry(key).or_insert((notice, Vec::new())).1.push(id);
        }
        let shown = notices.into_iter().map(|((number, locale, sha256), (notice, purposes))| {
            object! {
                "id" => &self.record.consent,
                "version" => u64::from(number),
                "language" => locale.clone(),
                "title" => notice.shown().map(|shown| shown.title.clone()),
                "uri" => self.uri(&notice),
                "sha256" => sha256.clone(),
                "created_at" => notice.text.created_at,
                "purposes" => purposes.into_iter().map(Json::from).collect::<Vec<_>>(),
            }
        });
        shown.map(Json::Object).collect()
    }

    /// The purposes that were decided, each by its version, and the others of the newest one.
    fn iso_purposes(&self) -> Vec<Json> {
        let show = |purpose: &Purpose, state: &str, version: Option<u32>| {
            let mut shown = purpose.show();
            shown.insert("state".to_owned(), Json::from(state));
            shown.insert("version".to_owned(), Json::from(version.map(u64::from)));
            Json::Object(shown)
        };
        let decided = self.record.purposes.iter().filter_map(|(id, recorded)| {
            let text = recorded.version.and_then(|number| self.texts.get(&number));
            let text = text.or_else(|| self.texts.values().next_back())?;
            let purpose = text.terms.purpose(id)?;
            Some(show(purpose, recorded.state(self.now).name(), recorded.version))
        });
        let newest = self.texts.values().next_back().into_iter();
        let others = newest
            .flat_map(|text| &text.terms.purposes)
            .filter(|purpose| !self.record.purposes.contains_key(&purpose.id));
        decided.chain(others.map(|purpose| show(purpose, "UNDECIDED", None))).collect()
    }
}

impl Notice<'_> {
    fn locale(&self) -> Option<&str> {
        self.evidence?.locale.as_deref()
    }

    fn shown(&self) -> Option<&LocaleText> {
        self.text.locales.get(self.locale()?)
    }
}

/// Each controller once.
fn distinct<'c>(controllers: impl Iterator<Item = &'c Controller>) -> Vec<&'c Controller> {
    let mut found = Vec::new();
    for controller in controllers {
        if !found.contains(&controller) {
            found.push(controller);
        }
    }
    found
}

fn kantara_controller(controller: &Controller) -> Object {
    object! {
        "piiController" => &controller.name,
        "contact" => &controller.contact,
        "address" => object! { "streetAddress" => &controller.address },
        "email" => &controller.email,
        "phone" => &controller.phone,
    }
}
