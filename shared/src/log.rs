//! Logs: one line per request, one per fault that no rule foresees, and one per outgoing fetch that
//! failed (rule S3). In JSON for programs, as text for people.

pub use tracing::Level;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The crates whose lines of the level DEBUG are logged. DEBUG lines of dependencies show bodies of
/// requests, which have personal data.
const OWN: [&str; 11] = [
    "definitions",
    "kith",
    "local",
    "personas",
    "shared",
    "site",
    "stream",
    "subjects",
    "sweeper",
    "token",
    "users",
];

/// Sends the process's log to `writer`, as JSON; to be called once.
pub fn to<W: for<'a> MakeWriter<'a> + Send + Sync + 'static>(writer: W) {
    as_json(writer, Level::INFO);
}

/// Sends lines of this level and of those above it to `writer`, as JSON; to be called once.
pub fn as_json<W: for<'a> MakeWriter<'a> + Send + Sync + 'static>(writer: W, level: Level) {
    let lines = fmt::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_max_level(level)
        .with_writer(writer)
        // The subscriber would print the error by `eprintln!`, which panics if the standard error
        // is closed.
        .log_internal_errors(false);
    lines.finish().with(filter_fn(is_logged)).init();
}

/// Sends lines of this level and of those above it to `writer`, as text; to be called once.
pub fn as_text<W: for<'a> MakeWriter<'a> + Send + Sync + 'static>(writer: W, level: Level) {
    text(writer, level).init();
}

fn text<W: for<'a> MakeWriter<'a> + Send + Sync + 'static>(
    writer: W,
    level: Level,
) -> impl Subscriber + Send + Sync {
    let lines = fmt::fmt()
        .compact()
        .with_target(false)
        .with_max_level(level)
        .with_writer(writer)
        .log_internal_errors(false);
    lines.finish().with(filter_fn(is_logged))
}

/// Whether a line may be logged.
fn is_logged(metadata: &Metadata<'_>) -> bool {
    let origin = metadata.target().split("::").next().unwrap_or_default();
    *metadata.level() <= Level::INFO || OWN.contains(&origin)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing::subscriber::with_default;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn ec20_a_terminal_gets_one_line_of_text_for_each_request() {
        let lines = Lines::default();
        let writer = lines.clone();
        with_default(text(move || writer.clone(), Level::INFO), || {
            tracing::info!(operation = "createUser", status = 201);
            tracing::debug!(operation = "hidden");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains(r#"INFO operation="createUser" status=201"#), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }

    #[test]
    fn ec20_dependencies_say_nothing_of_requests_at_any_level() {
        let lines = Lines::default();
        let writer = lines.clone();
        let all = fmt::fmt().with_max_level(Level::TRACE).with_writer(move || writer.clone());
        with_default(all.finish().with(filter_fn(is_logged)), || {
            tracing::debug!(target: "shared::store::meter", "own");
            tracing::info!(target: "hyper::server", "of others");
            tracing::debug!(target: "aws_smithy_runtime::client", "a body");
            tracing::trace!(target: "hyper::proto", "a body");
            tracing::debug!(target: "shareddata", "a body");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains("own") && text.contains("of others") && !text.contains("a body"));
    }
}
