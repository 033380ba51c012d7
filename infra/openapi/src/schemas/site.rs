//! What the service says about itself.

use utoipa::openapi::Schema;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Type};

use super::super::shapes::{Record, string, word};

pub(super) fn schemas() -> [(&'static str, Schema); 2] {
    let health = Record::new("The service and its table answer.")
        .must("status", word(["ok"], "Always `ok`: anything else is a problem."));
    let mut document = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("An OpenAPI description."))
        .property("openapi", string(16, "The version of OpenAPI that it is written in."))
        .required("openapi")
        .build();
    document.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(true)));
    [("Health", health.schema()), ("OpenApiDocument", Schema::Object(document))]
}
