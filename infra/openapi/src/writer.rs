//! JSON text for people and for diffs: what fits on a line stands on one.

use shared::domain::Json;

/// How wide and how deep the text is.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    /// The longest line, in characters; only a long string exceeds it.
    width: usize,
    /// By how much what is inside is indented.
    step: usize,
    /// What follows colons, and commas within a line.
    space: &'static str,
}

impl Layout {
    /// The description, which is large: indents and spaces would be a sixth of it. All answers of an
    /// operation stand on one line.
    pub(super) const DESCRIPTION: Self = Self { width: 1200, step: 1, space: "" };
    /// A body, which people read.
    pub(super) const BODY: Self = Self { width: 110, step: 2, space: " " };
}

/// A value as text. A value that fits on its line is not broken.
pub(super) fn text(value: &Json, layout: Layout) -> String {
    let mut text = String::new();
    write(value, layout, 0, 0, &mut text);
    text
}

/// Writes a value on a line that is `indent` deep and holds `before` characters so far.
fn write(value: &Json, layout: Layout, indent: usize, before: usize, out: &mut String) {
    // For a comma.
    let room = layout.width.saturating_sub(before + 1);
    match value {
        Json::Object(members) if !members.is_empty() && !fits(value, layout, room) => {
            let named = |name: &str| format!("{}:{}", quoted(name), layout.space);
            let members = members.iter().map(|(name, value)| (named(name), value));
            lines(('{', '}'), members, layout, indent, out);
        }
        Json::Array(items) if !items.is_empty() && !fits(value, layout, room) => {
            let items = items.iter().map(|item| (String::new(), item));
            lines(('[', ']'), items, layout, indent, out);
        }
        _ => flat(value, layout, out),
    }
}

fn lines<'j>(
    (open, close): (char, char),
    parts: impl Iterator<Item = (String, &'j Json)>,
    layout: Layout,
    indent: usize,
    out: &mut String,
) {
    out.push(open);
    for (i, (name, value)) in parts.enumerate() {
        out.push_str(if i > 0 { ",\n" } else { "\n" });
        let margin = " ".repeat(indent + layout.step);
        out.push_str(&margin);
        out.push_str(&name);
        write(value, layout, indent + layout.step, margin.len() + name.chars().count(), out);
    }
    out.push('\n');
    out.push_str(&" ".repeat(indent));
    out.push(close);
}

fn fits(value: &Json, layout: Layout, room: usize) -> bool {
    let mut line = String::new();
    flat(value, layout, &mut line);
    line.chars().count() <= room
}

/// Writes a value on one line.
fn flat(value: &Json, layout: Layout, out: &mut String) {
    let comma = |i: usize, out: &mut String| {
        if i > 0 {
            out.push(',');
            out.push_str(layout.space);
        }
    };
    match value {
        Json::Object(members) => {
            out.push('{');
            for (i, (name, value)) in members.iter().enumerate() {
                comma(i, out);
                out.push_str(&quoted(name));
                out.push(':');
                out.push_str(layout.space);
                flat(value, layout, out);
            }
            out.push('}');
        }
        Json::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                comma(i, out);
                flat(item, layout, out);
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_text()),
    }
}

fn quoted(text: &str) -> String {
    Json::from(text).to_text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_on_a_line_stands_on_one() {
        let long = "x".repeat(60);
        let value = format!(r#"{{"a":{{"b":[1,2.50]}},"c":["{long}","{long}"],"d":{{}}}}"#);
        let value = Json::parse(value.as_bytes()).unwrap();
        let text = text(&value, Layout::BODY);
        assert_eq!(Json::parse(text.as_bytes()).unwrap(), value);
        assert_eq!(
            text,
            format!(
                "{{\n  \"a\": {{\"b\": [1, 2.50]}},\n  \"c\": [\n    \"{long}\",\n    \
                 \"{long}\"\n  ],\n  \"d\": {{}}\n}}"
            )
        );
    }
}
