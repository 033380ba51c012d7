//! The placeholders in the sample events for ids and credentials of a service.

pub(super) const ATTRIBUTES: &str = "/identity/config/attribute-definitions";
pub(super) const PERSONAS: &str = "/identity/config/persona-definitions";
pub(super) const CATEGORIES: &str = "/identity/config/attribute-categories";
pub(super) const WORKFLOWS: &str = "/identity/config/workflows";
pub(super) const SYSTEMS: &str = "/identity/config/systems";
pub(super) const SERVERS: &str = "/api/v1/sso/authentication-servers";
pub(super) const APPLICATIONS: &str = "/api/v1/sso/applications";

/// The ids that stand in the events.
pub(super) const USER: &str = "0192f3c1-5a00-7000-8000-000000000001";
pub(super) const PERSONA: &str = "0192f3c1-5a00-7000-8000-000000000002";
pub(super) const CHANGE_REQUEST: &str = "0192f3c1-5a00-7000-8000-00000000000a";
pub(super) const IMPORT: &str = "0192f3c1-5a00-7000-8000-00000000000c";
pub(super) const SECRET: &str = "0192f3c1-5a00-7000-8000-00000000000d";
pub(super) const CLIENT: &str = "acme.0f0e0d0c0b0a09080706050403020100";
pub(super) const FORMER_CLIENT: &str = "acme.0f0e0d0c0b0a09080706050403020101";
/// A client in which people sign in, and where it gets them back.
pub(super) const NOTES: &str = "acme.0f0e0d0c0b0a09080706050403020102";
pub(super) const CALLBACK: &str = "https://app.example.com/callback";
pub(super) const SYSTEM_PROFILE: &str = "5f1c2f0e-8a34-4c52-9d3e-0a9f1f0c7b11";
pub(super) const SERVER_SUBJECT: &str = "af4476b4-d15e-8eaf-849e-f746b72728a8";
pub(super) const APPLICATION_SUBJECT: &str = "93b4ca71-8586-8706-bb29-46ae712b86b0";
pub(super) const SUBJECT: &str = "8f14e45f";
pub(super) const ISSUER: &str = "https://id.example.org/people";
/// The username of the user in the events.
pub(super) const USERNAME: &str = "jan.janssen";
pub(super) const CUSTOMER_ID: &str = "CRM-0042";
pub(super) const ADDRESS: &str = "jan@example.org";
/// Times in the events.
pub(super) const PAST: &str = "2026-11-21T10:00:00.000Z";
pub(super) const FUTURE: &str = "2026-11-28T10:00:00.000Z";

/// A definition that events name by an id of the service: the id, the path, the name, the rest.
pub(super) type NamedDefinition = (&'static str, &'static str, &'static str, &'static str);

pub(super) const DEFINITIONS: [NamedDefinition; 5] = [
    ("0192f3c1-5a00-7000-8000-000000000004", CATEGORIES, "payroll", "{}"),
    ("0192f3c1-5a00-7000-8000-000000000005", ATTRIBUTES, "employee-number", TEXT),
    ("0192f3c1-5a00-7000-8000-000000000006", ATTRIBUTES, "cost-centre", TEXT),
    ("0192f3c1-5a00-7000-8000-000000000007", PERSONAS, "contractor", "{}"),
    ("0192f3c1-5a00-7000-8000-000000000009", WORKFLOWS, "fullname", FULLNAME),
];
pub(super) const TEXT: &str = r#"{"category":"common","data_format":"TEXT"}"#;
pub(super) const FULLNAME: &str = r#"{"script":"function main(workItem) { workItem.output = tb.simpleResponse({ fullname: [workItem.input.value.given_name] }); }"}"#;

/// Definitions whose creator chooses the id. For each: the text by which an event shows it, the
/// path, the id, and the rest of the document.
pub(super) const CHOSEN: [NamedDefinition; 7] = [
    ("systems/loyalty", SYSTEMS, "loyalty", POINTS),
    ("systems/webshop", SYSTEMS, "webshop", POINTS),
    ("corporate", SERVERS, "corporate", PREDEFINED),
    ("authentication-servers/former", SERVERS, "former", PREDEFINED),
    ("application-subjects", APPLICATIONS, "payroll", PREDEFINED),
    ("application-subjects", APPLICATIONS, "helpdesk", PREDEFINED),
    ("applications/former", APPLICATIONS, "former", PREDEFINED),
];
pub(super) const POINTS: &str =
    r#"{"attributes_definition":[{"name":"points","classifier":"LOW"}]}"#;
pub(super) const PREDEFINED: &str = r#"{"subject_type":"predefined"}"#;
