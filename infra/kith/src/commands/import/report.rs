//! The report: one line for each row of the file, in its order.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use shared::domain::import::guarded;

use super::state::TransferCounts;
use crate::failure::Failure;

/// An error of one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FieldError {
    pub(super) pointer: String,
    pub(super) code: String,
    pub(super) detail: String,
}

impl FieldError {
    /// Says that an earlier row is about the same user, in the words of the service, which says so
    /// within one request.
    pub(super) fn repeated(field: &str, earlier: u64) -> Self {
        let detail =
            format!("row {earlier} has the same `{field}`; only the first of them is imported");
        Self { pointer: format!("/{field}"), code: "not-unique".to_owned(), detail }
    }
}

/// The result of a row, in the form of the report of the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReportedRow {
    /// From 1.
    pub(super) row: u64,
    pub(super) status: String,
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) errors: Vec<FieldError>,
}

impl FieldError {
    /// Lets a detail that names a row or a line of the request name the row of the file. Each row
    /// of NDJSON is a line of its request.
    pub(super) fn tell_of(&mut self, in_file: impl Fn(u64) -> Option<u64>) {
        const NAMED: [(&str, char, &str); 2] =
            [("row ", ' ', "row "), ("invalid JSON at line ", ',', "invalid JSON at row ")];
        let told = NAMED.into_iter().find_map(|(start, end, told)| {
            let (row, rest) = self.detail.strip_prefix(start)?.split_once(end)?;
            Some(format!("{told}{}{end}{rest}", in_file(row.parse().ok()?)?))
        });
        if let Some(told) = told {
            self.detail = told;
        }
    }
}

impl ReportedRow {
    /// Adds the outcome of the row.
    pub(super) fn count(&self, counts: &mut TransferCounts) {
        counts.rows += 1;
        match self.status.as_str() {
            "created" => counts.created += 1,
            "updated" => counts.updated += 1,
            "unchanged" => counts.unchanged += 1,
            _ => counts.errors += 1,
        }
        let mut codes: Vec<_> = self.errors.iter().map(|fault| &fault.code).collect();
        codes.sort_unstable();
        codes.dedup();
        for code in codes {
            *counts.codes.entry(code.clone()).or_default() += 1;
        }
    }

    fn cells(&self) -> [String; 4] {
        let each = self
            .errors
            .iter()
            .map(|fault| format!("{} {}: {}", fault.pointer, fault.code, fault.detail));
        let errors = each.collect::<Vec<_>>().join("; ");
        [
            self.row.to_string(),
            self.status.clone(),
            self.id.clone().unwrap_or_default(),
            guarded(errors),
        ]
    }
}

/// The file of the report: CSV, or NDJSON if its name says so.
pub(super) struct ReportFile {
    file: File,
    as_lines: bool,
}

impl ReportFile {
    /// Opens the file and cuts what was written after `length`; the file is made when the length is
    /// 0.
    pub(super) fn open(path: &Path, length: u64) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            format!("cannot write the report `{}`: {error}", path.display())
        };
        let mut options = OpenOptions::new();
        options.write(true).create(length == 0).truncate(false).mode(0o600);
        let mut file = options.open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.len() < length {
            return Err(Failure::Restart(format!(
                "the report `{}` has changed since the import wrote it; use --restart to start over",
                path.display()
            )));
        }
        file.set_len(length).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        let as_lines =
            path.extension().is_some_and(|extension| extension == "ndjson" || extension == "jsonl");
        Ok(Self { file, as_lines })
    }

    /// Appends rows and returns how long the report is then. They are on disk when it returns.
    pub(super) fn append(&mut self, rows: &[ReportedRow]) -> Result<u64, Failure> {
        let mut append = || -> Result<u64, Box<dyn std::error::Error>> {
            let start = self.file.stream_position()?;
            if self.as_lines {
                let mut writer = BufWriter::new(&self.file);
                for row in rows {
                    serde_json::to_writer(&mut writer, row)?;
                    writer.write_all(b"\n")?;
                }
                writer.flush()?;
            } else {
                let mut writer = csv::Writer::from_writer(&self.file);
                if start == 0 {
                    writer.write_record(["row", "status", "id", "errors"])?;
                }
                for row in rows {
                    writer.write_record(row.cells())?;
                }
                writer.flush()?;
            }
            self.file.sync_data()?;
            Ok(self.file.stream_position()?)
        };
        Ok(append().map_err(|error| format!("cannot write the report: {error}"))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_a_detail_names_is_one_of_the_file() {
        for (said, due) in [
            (
                "row 2 has the same value, which must be unique",
                "row 402 has the same value, which must be unique",
            ),
            (
                "invalid JSON at line 3, column 7: expected a comma",
                "invalid JSON at row 403, column 7: expected a comma",
            ),
            ("row 9 is not of the request", "row 9 is not of the request"),
            ("row by row", "row by row"),
            ("`username` is required", "`username` is required"),
        ] {
            let mut fault =
                FieldError { pointer: String::new(), code: String::new(), detail: said.to_owned() };
            fault.tell_of(|row| (row < 5).then_some(row + 400));
            assert_eq!(fault.detail, due);
        }
    }
}
