//! Definitions: attribute categories, attributes and personas of a tenant.

use std::sync::LazyLock;

use shared::config_routes;
use shared::domain::definition::{AttributeDefinition, Category, PersonaDefinition};
use shared::http::Route;

/// The routes of this function.
pub static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    [
        config_routes!(
            Category,
            "/identity/config/attribute-categories",
            "/identity/config/attribute-categories/{id}",
            "attribute_category",
            "an attribute category",
            "AttributeCategory",
            put
        ),
        config_routes!(
            AttributeDefinition,
            "/identity/config/attribute-definitions",
            "/identity/config/attribute-definitions/{id}",
            "attribute_definition",
            "an attribute definition",
            "AttributeDefinition",
            put
        ),
        config_routes!(
            PersonaDefinition,
            "/config/persona-definitions",
            "/config/persona-definitions/{id}",
            "persona_definition",
            "a persona definition",
            "PersonaDefinition",
            put
        ),
        config_routes!(
            PersonaDefinition,
            "/identity/config/persona-definitions",
            "/identity/config/persona-definitions/{id}",
            "identity_persona_definition",
            "a persona definition",
            "PersonaDefinition",
            put
        ),
    ]
    .concat()
});
