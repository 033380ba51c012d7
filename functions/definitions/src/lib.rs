//! Definitions: attribute categories, attributes, personas and workflows of a tenant.

mod workflows;

use std::sync::LazyLock;

use shared::axum::routing::{get, patch, post, put};
use shared::config_routes;
use shared::domain::Scope::{ConfigRead, ConfigWrite};
use shared::domain::definition::{
    AttributeDefinition, Category, PersonaDefinition, UserProfileDefinition, Workflow,
};
use shared::domain::system::System;
use shared::http::{Route, config};

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
        config_routes!(
            Workflow,
            "/identity/config/workflows",
            "/identity/config/workflows/{id}",
            "workflow",
            "a workflow",
            "Workflow",
            put
        ),
        config_routes!(
            System,
            "/identity/config/systems",
            "/identity/config/systems/{id}",
            "system",
            "a system",
            "System",
            put
        ),
        vec![
            Route::read(
                "POST",
                "/identity/config/workflows/{id}/test",
                "test_workflow",
                (200, "WorkflowTestResult"),
                || post(workflows::test),
            )
            .scope(ConfigRead)
            .json("WorkflowTest")
            .about("Runs a workflow on a sample; stores nothing"),
        ],
        user_profile(),
    ]
    .concat()
});

fn user_profile() -> Vec<Route> {
    const PATH: &str = "/identity/config/user-profile-definition";
    const SCHEMA: &str = "UserProfileDefinition";
    vec![
        Route::read("GET", PATH, "get_user_profile_definition", (200, SCHEMA), || {
            get(config::get::<UserProfileDefinition>)
        })
        .scope(ConfigRead)
        .about("Reads which custom attributes screens show, in their order"),
        Route::write("PUT", PATH, "replace_user_profile_definition", (200, SCHEMA), || {
            put(config::replace::<UserProfileDefinition>)
        })
        .scope(ConfigWrite)
        .json(SCHEMA)
        .about("Replaces which custom attributes screens show"),
        Route::write("PATCH", PATH, "patch_user_profile_definition", (200, SCHEMA), || {
            patch(config::patch::<UserProfileDefinition>)
        })
        .scope(ConfigWrite)
        .json("UserProfileDefinitionPatch")
        .about("Changes which custom attributes screens show"),
    ]
}
