//! Compresses the files that the function serves and writes a constant for each of them.
//!
//! Swagger UI comes from the archive of a crate, so that a build needs no other registry than that
//! of Rust.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::{Cursor, Read as _, Write as _};
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::ZipArchive;

type Outcome<T> = Result<T, Box<dyn Error>>;

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const JSON: &str = "application/json";
const SVG: &str = "image/svg+xml";

/// Files of the repository: the constant, the path, and the media type.
const OWN: [(&str, &str, &str); 5] = [
    ("OPENAPI", "../../openapi.json", JSON),
    ("OPENAPI_3_0", "../../openapi-3.0.json", JSON),
    ("STYLE", "assets/style.css", CSS),
    ("REFERENCE", "assets/reference.js", JAVASCRIPT),
    ("ICON", "assets/icon.svg", SVG),
];
/// Files of Swagger UI.
const SWAGGER_UI: [(&str, &str, &str); 2] = [
    ("SWAGGER_UI_STYLE", "swagger-ui.css", CSS),
    ("SWAGGER_UI", "swagger-ui-bundle.js", JAVASCRIPT),
];

fn main() -> Outcome<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let folder = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let mut constants = String::new();
    let mut add = |constant: &str, path: &str, media: &str, content: &[u8]| -> Outcome<()> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content)?;
        fs::write(folder.join(name), encoder.finish()?)?;
        let hash = Sha256::digest(content).first_chunk().copied().unwrap_or_default();
        let version = format!("{:016x}", u64::from_be_bytes(hash));
        writeln!(
            constants,
            "pub(crate) const {constant}: File = File {{ name: {name:?}, media: {media:?}, \
             version: {version:?}, gzip: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}\")) }};"
        )?;
        Ok(())
    };
    for (constant, path, media) in OWN {
        println!("cargo::rerun-if-changed={path}");
        add(constant, path, media, &fs::read(path)?)?;
    }
    let mut archive = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED))?;
    for (constant, name, media) in SWAGGER_UI {
        let end = format!("/dist/{name}");
        let path = archive
            .file_names()
            .filter_map(Result::ok)
            .find(|path| path.ends_with(&end))
            .map(Cow::into_owned)
            .ok_or_else(|| format!("Swagger UI has no `{name}`"))?;
        let mut content = Vec::new();
        archive.by_name(&path)?.read_to_end(&mut content)?;
        add(constant, name, media, &content)?;
    }
    fs::write(folder.join("files.rs"), constants)?;
    Ok(())
}
