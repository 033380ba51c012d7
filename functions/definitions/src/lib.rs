//! Definitions: attribute categories, attributes, personas, workflows, systems and consents of a
//! tenant, and its settings.

mod consents;
mod workflows;

use std::sync::LazyLock;

use shared::axum::routing::{get, patch, post, put};
use shared::domain::Scope::{Administrator, ConfigRead, ConfigWrite};
use shared::domain::audit::AuditSettings;
use shared::domain::consent::Consent;
use shared::domain::definition::{
    AttributeDefinition, Category, PersonaDefinition, UserProfileDefinition, Workflow,
};
use shared::domain::people::SignInSettings;
use shared::domain::system::System;
use shared::http::{Route, config};

/// The routes of this function.
pub static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    [
        config::routes::<Category>(),
        config::routes::<AttributeDefinition>(),
        config::routes::<PersonaDefinition>(),
        config::routes_with::<Workflow, config::ScriptCheck>(),
        config::routes::<System>(),
        config::routes::<Consent>(),
        consents::ROUTES.to_vec(),
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
            .summary("Test a workflow")
            .description("Runs it on a sample. Nothing is stored."),
        ],
        user_profile(),
        audit(),
        sign_in(),
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
        .tagged()
        .summary("Read the user profile definition")
        .description("The custom attributes that screens show, in their order."),
        Route::write("PUT", PATH, "replace_user_profile_definition", (200, SCHEMA), || {
            put(config::replace::<UserProfileDefinition, config::Unchecked>)
        })
        .scope(ConfigWrite)
        .json("UserProfileDefinitionInput")
        .summary("Replace the user profile definition")
        .description("Attributes that are left out are not shown."),
        Route::write("PATCH", PATH, "patch_user_profile_definition", (200, SCHEMA), || {
            patch(config::patch::<UserProfileDefinition, config::Unchecked>)
        })
        .scope(ConfigWrite)
        .json("UserProfileDefinitionPatch")
        .summary("Change the user profile definition")
        .description("Fields that are left out stay. `null` removes a field."),
    ]
}

fn audit() -> Vec<Route> {
    const PATH: &str = "/identity/config/audit";
    const SCHEMA: &str = "AuditSettings";
    vec![
        Route::read("GET", PATH, "get_audit_settings", (200, SCHEMA), || {
            get(config::get::<AuditSettings>)
        })
        .scope(ConfigRead)
        .tagged()
        .summary("Read the settings of the audit"),
        Route::write("PUT", PATH, "replace_audit_settings", (200, SCHEMA), || {
            put(config::replace::<AuditSettings, config::Unchecked>)
        })
        .scope(Administrator)
        .json("AuditSettingsInput")
        .summary("Replace the settings of the audit")
        .description("Fields that are left out get their usual values."),
        Route::write("PATCH", PATH, "patch_audit_settings", (200, SCHEMA), || {
            patch(config::patch::<AuditSettings, config::Unchecked>)
        })
        .scope(Administrator)
        .json("AuditSettingsPatch")
        .summary("Change the settings of the audit")
        .description("Fields that are left out stay."),
    ]
}

fn sign_in() -> Vec<Route> {
    const PATH: &str = "/identity/config/sign-in";
    const SCHEMA: &str = "SignInSettings";
    vec![
        Route::read("GET", PATH, "get_sign_in_settings", (200, SCHEMA), || {
            get(config::get::<SignInSettings>)
        })
        .scope(ConfigRead)
        .tagged()
        .summary("Read the settings of the sign-in"),
        Route::write("PUT", PATH, "replace_sign_in_settings", (200, SCHEMA), || {
            put(config::replace::<SignInSettings, config::Unchecked>)
        })
        .scope(Administrator)
        .json("SignInSettingsInput")
        .reauthenticate()
        .summary("Replace the settings of the sign-in")
        .description(
            "Fields that are left out get their usual values. All functions know it within 30 \
             seconds.",
        ),
        Route::write("PATCH", PATH, "patch_sign_in_settings", (200, SCHEMA), || {
            patch(config::patch::<SignInSettings, config::Unchecked>)
        })
        .scope(Administrator)
        .json("SignInSettingsPatch")
        .reauthenticate()
        .summary("Change the settings of the sign-in")
        .description("Fields that are left out stay. All functions know it within 30 seconds."),
    ]
}
