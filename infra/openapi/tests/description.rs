//! `openapi.json` in the repository is what the code gives.

use std::path::Path;

#[test]
fn the_description_is_what_the_code_gives() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi.json");
    let generated = openapi::document(local::serve::functions()).unwrap() + "\n";
    assert!(
        std::fs::read_to_string(file).unwrap() == generated,
        "openapi.json is not up to date: `just openapi` writes it anew"
    );
}
