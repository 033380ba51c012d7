//! Logs: one JSON line per request, one per fault that no rule foresees, and one per outgoing fetch
//! that failed (rule S3).

use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

/// Sends the process's log to `writer`; to be called once.
pub fn to<W: for<'a> MakeWriter<'a> + Send + Sync + 'static>(writer: W) {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_max_level(Level::INFO)
        .with_writer(writer)
        // It would be told by `eprintln!`, which panics when nobody reads.
        .log_internal_errors(false)
        .init();
}
