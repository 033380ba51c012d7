//! The schemas of the health check and of the API description.

use serde_json::json;
use utoipa::openapi::Schema;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Type};

use super::super::shapes::{Record, string, word};
use super::Described;

pub(super) fn schemas() -> Vec<Described> {
    let health = Record::new("The service and its table answer.")
        .must("status", word(["ok"], "Always `ok`: anything else is a problem."))
        .example(json!({ "status": "ok" }));
    let mut document = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("An OpenAPI description."))
        .property("openapi", string(16, "The version of OpenAPI."))
        .required("openapi")
        .build();
    document.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(true)));
    vec![("Health", health.schema()), ("OpenApiDocument", Schema::Object(document))]
}
