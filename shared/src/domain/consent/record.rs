//! What one person decided about one consent for one audience: the record, and its history, of which
//! the record is the fold.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::chain;
use crate::domain::change_request::Actor;
use crate::domain::error::{Code, Error, Result};
use crate::domain::id::{ClientId, PartyId, PurposeId};
use crate::domain::json::{Json, Object};
use crate::domain::string_enum::string_enum;
use crate::domain::versioned::{Tag, Versioned};
use crate::env::Timestamp;
use crate::object;

string_enum! {
    /// What was decided about a purpose.
    PurposeState {
        /// The person agreed.
        Granted = "GRANTED",
        /// The person refused.
        Denied = "DENIED",
        /// The person agreed, and does not any more.
        Withdrawn = "WITHDRAWN",
        /// The person agreed, and the time of that is over.
        Expired = "EXPIRED",
    }
}

string_enum! {
    /// What one entry of a history is about. Events are named by it, so it is part of the key.
    HistoryKind {
        /// Something was granted, and nothing taken back.
        Granted = "granted",
        /// Nothing is granted by it now, and nothing taken back.
        Denied = "denied",
        /// Something that was granted is not any more.
        Withdrawn = "withdrawn",
        /// The time of something that was granted is over.
        Expired = "expired",
    }
}

string_enum! {
    /// How somebody decided.
    Method {
        /// In a form of a website.
        WebForm = "web_form",
        /// In an app.
        App = "app",
        /// On paper.
        Paper = "paper",
        /// Through a program.
        Api = "api",
        /// By word of mouth.
        Verbal = "verbal",
        /// It was decided before, and imported.
        Import = "import",
    }
}

/// What proves a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The version that the person read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// The language in which the person read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The SHA-256 of the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_sha256: Option<String>,
    /// How the person decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// Who recorded it: the person, an administrator or a client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    /// The client through which it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientId>,
    /// When the person decided.
    pub given_at: Timestamp,
    /// Where more evidence is, a scan say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence_uri: Option<String>,
    /// Who decided for the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardian: Option<String>,
    /// Whether a client recorded it that is bound to systems.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_system: bool,
}

impl Evidence {
    /// No more than a time.
    #[must_use]
    pub const fn at(given_at: Timestamp) -> Self {
        Self {
            version: None,
            locale: None,
            text_sha256: None,
            method: None,
            actor: None,
            client: None,
            given_at,
            evidence_uri: None,
            guardian: None,
            by_system: false,
        }
    }

    /// What a client sees that is bound to systems: who decided, through whom and with what proof is
    /// its business only if it recorded that itself.
    fn masked_for(mut self, client: Option<&ClientId>) -> Self {
        if self.client.as_ref() != client {
            (self.client, self.guardian, self.evidence_uri) = (None, None, None);
        }
        let own = |actor: &Actor| matches!(actor, Actor::ClientId(id) if Some(id) == client);
        self.actor = self.actor.filter(own);
        self
    }

    fn show(&self) -> Object {
        object! {
            "version" => self.version.map(u64::from),
            "locale" => self.locale.clone(),
            "text_sha256" => self.text_sha256.clone(),
            "method" => self.method.map(Method::name).map(Json::from),
            "actor" => self.actor.as_ref().map(Actor::show),
            "client" => self.client.as_ref(),
            "given_at" => self.given_at,
            "evidence_uri" => self.evidence_uri.clone(),
            "guardian" => self.guardian.clone(),
        }
    }
}

/// One entry of a history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentEvent {
    /// A random id, by which receipts name it.
    pub id: String,
    /// Its number in the history, from 1 on.
    pub sequence: u64,
    /// What it is about.
    pub kind: HistoryKind,
    /// When it was recorded.
    pub at: Timestamp,
    /// What was decided.
    pub purposes: BTreeMap<PurposeId, PurposeState>,
    /// Until when a grant holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// What proves it.
    pub evidence: Evidence,
}

impl ConsentEvent {
    /// Whether it grants something.
    #[must_use]
    pub fn grants(&self) -> bool {
        self.kind != HistoryKind::Expired
            && self.purposes.values().any(|state| *state == PurposeState::Granted)
    }

    /// Whether the person had decided already when this was decided: what is imported is older than
    /// what holds, or as old.
    fn is_behind(&self, recorded: &RecordedPurpose) -> bool {
        self.evidence.method == Some(Method::Import) && recorded.given_at >= self.evidence.given_at
    }

    /// The entry as a client sees it that is bound to systems.
    #[must_use]
    pub fn masked_for(self, client: Option<&ClientId>) -> Self {
        Self { evidence: self.evidence.masked_for(client), ..self }
    }

    /// The document that callers see.
    #[must_use]
    pub fn show(&self) -> Object {
        let purposes: Object = self
            .purposes
            .iter()
            .map(|(id, state)| (id.to_string(), Json::from(state.name())))
            .collect();
        let mut shown = object! {
            "sequence" => self.sequence,
            "at" => self.at,
            "purposes" => purposes,
            "until" => self.until,
        };
        shown.extend(self.evidence.show());
        shown
    }
}

/// What holds of one purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedPurpose {
    /// What was decided last. That a grant is over shows in `until` alone.
    pub state: PurposeState,
    /// The version about which it was decided. Who withdraws reads none: it is the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// When it was decided.
    pub given_at: Timestamp,
    /// Until when a grant holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The entry of the history that decided it.
    pub sequence: u64,
    /// The last entry by which the person agreed or refused, and which says what the person read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<u64>,
    /// Whether a client recorded it that is bound to systems.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_system: bool,
}

impl RecordedPurpose {
    /// What holds now.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> PurposeState {
        match self.state {
            PurposeState::Granted if self.until.is_some_and(|until| until <= now) => {
                PurposeState::Expired
            }
            state => state,
        }
    }
}

/// The most entries of one history. Withdrawing is possible beyond.
pub const MAX_ENTRIES: u64 = 1000;

/// What a person decided about a consent, for one audience.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentRecord {
    /// The consent.
    pub consent: PartyId,
    /// The system for which it was decided; `None` if for the controller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<PartyId>,
    /// What holds of each purpose that was decided. The others are undecided.
    pub purposes: BTreeMap<PurposeId, RecordedPurpose>,
    /// The number of the last entry of the history.
    pub sequence: u64,
    /// What proves the last decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// The SHA-256 over all entries of the history.
    pub digest: String,
    /// The end of a grant of which subscribers know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announced: Option<Timestamp>,
}

impl ConsentRecord {
    /// The record of somebody who decided nothing.
    #[must_use]
    pub const fn empty(consent: PartyId, audience: Option<PartyId>) -> Self {
        Self {
            consent,
            audience,
            purposes: BTreeMap::new(),
            sequence: 0,
            evidence: None,
            digest: String::new(),
            announced: None,
        }
    }

    /// The record after one more entry: a record is the fold of its history (rule CO-05). An import
    /// that brings what was decided before changes nothing that was decided since.
    #[must_use]
    pub fn with(mut self, event: &ConsentEvent) -> Self {
        self.digest = chain::digest(&self, event);
        self.sequence = event.sequence;
        if event.kind == HistoryKind::Expired {
            self.announced = self.announced.max(event.until);
            return self;
        }
        let mut applies = false;
        for (id, state) in &event.purposes {
            let before = self.purposes.get(id);
            if before.is_some_and(|before| event.is_behind(before)) {
                continue;
            }
            let evidence = &event.evidence;
            let (version, answered) = match (state, before) {
                (PurposeState::Withdrawn, Some(before)) => {
                    (before.version.or(evidence.version), before.answered)
                }
                (PurposeState::Withdrawn, None) => (evidence.version, None),
                _ => (evidence.version, Some(event.sequence)),
            };
            let recorded = RecordedPurpose {
                state: *state,
                version,
                given_at: evidence.given_at,
                until: event.until.filter(|_| *state == PurposeState::Granted),
                sequence: event.sequence,
                answered,
                by_system: evidence.by_system,
            };
            self.purposes.insert(id.clone(), recorded);
            applies = true;
        }
        if applies {
            self.evidence = Some(event.evidence.clone());
        }
        self
    }

    /// Refuses one more entry where there are too many. A withdrawal is always possible.
    pub fn check_room(&self, event: &ConsentEvent) -> Result<()> {
        let ends = matches!(event.kind, HistoryKind::Withdrawn | HistoryKind::Expired);
        if ends || self.sequence < MAX_ENTRIES {
            return Ok(());
        }
        let detail = format!(
            "expected at most {MAX_ENTRIES} decisions of one person about one consent; only a \
             withdrawal is possible now"
        );
        Err(Error::invalid("", Code::TooMany, detail))
    }

    /// The record as a client sees it that is bound to systems.
    #[must_use]
    pub fn masked_for(self, client: Option<&ClientId>) -> Self {
        Self { evidence: self.evidence.map(|evidence| evidence.masked_for(client)), ..self }
    }

    /// The first end of a grant of which subscribers do not know.
    #[must_use]
    pub fn next_end(&self) -> Option<Timestamp> {
        let granted = self.purposes.values().filter(|p| p.state == PurposeState::Granted);
        granted.filter_map(|p| p.until).filter(|until| Some(*until) > self.announced).min()
    }

    /// The entry that says which grants are over by now, if subscribers do not know yet.
    #[must_use]
    pub fn expiry(&self, id: String, now: Timestamp) -> Option<ConsentEvent> {
        self.next_end().filter(|end| *end <= now)?;
        let over = self
            .purposes
            .iter()
            .filter(|(_, p)| p.state(now) == PurposeState::Expired && p.until > self.announced);
        let purposes = over.clone().map(|(id, _)| (id.clone(), PurposeState::Expired)).collect();
        Some(ConsentEvent {
            id,
            sequence: self.sequence + 1,
            kind: HistoryKind::Expired,
            at: now,
            purposes,
            until: over.filter_map(|(_, p)| p.until).max(),
            evidence: Evidence::at(now),
        })
    }

    /// The tag of a record as it is seen now: it moves when a grant is over, too.
    #[must_use]
    pub fn tag(record: &Versioned<Self>, now: Timestamp) -> Tag {
        let states = record.value.purposes.values();
        let over = states.filter(|p| p.state(now) == PurposeState::Expired).count();
        match over {
            0 => record.tag().clone(),
            over => Tag::of(record.tag().as_str().as_bytes(), over as u64),
        }
    }

    /// The document that callers see.
    #[must_use]
    pub fn show(&self, now: Timestamp) -> Object {
        let purposes = self.purposes.iter().map(|(id, purpose)| {
            let shown = object! {
                "state" => purpose.state(now).name(),
                "version" => purpose.version.map(u64::from),
                "given_at" => purpose.given_at,
                "until" => purpose.until,
                "sequence" => purpose.sequence,
            };
            (id.to_string(), Json::Object(shown))
        });
        object! {
            "consent" => &self.consent,
            "audience" => self.audience.as_ref(),
            "purposes" => purposes.collect::<Object>(),
            "evidence" => self.evidence.as_ref().map(Evidence::show),
        }
    }
}
