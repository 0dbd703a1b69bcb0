//! Data on stdout.

use std::io::{self, Write};

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::cli::Format;
use crate::error::{Failure, Kind};
use crate::mask;
use crate::output::{Content, Palette, Stream, needs_escapes};
use crate::reporter::text::clean;

/// For people.
pub fn text(text: &str) -> Result<(), Failure> {
    painted(text, Palette::default())
}

/// For people, in the palette's colours.
pub fn painted(text: &str, palette: Palette) -> Result<(), Failure> {
    let mut stdout = Stream::stdout().painted(palette);
    written(
        stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush()),
    )
}

/// What is all our own: a script, a page of the manual.
pub fn verbatim(text: &str) -> Result<(), Failure> {
    let mut stdout = Stream::stdout();
    written(stdout.verbatim(text).and_then(|()| stdout.flush()))
}

fn written(result: io::Result<()>) -> Result<(), Failure> {
    result.map_err(|error| {
        Failure::new(
            Kind::Environment,
            format!("stdout can't be written to: {error}"),
        )
    })
}

/// What people have to know about what they see, on stderr.
pub fn warnings<'a>(texts: impl IntoIterator<Item = &'a String>) -> Result<(), Failure> {
    let mut stderr = Stream::stderr();
    for text in texts {
        writeln!(stderr, "warning: {}", clean(text))?;
    }
    Ok(stderr.flush()?)
}

/// What people may want to know beside, on stderr.
pub fn notes(texts: &[String]) -> Result<(), Failure> {
    let mut stderr = Stream::stderr();
    for text in texts {
        writeln!(stderr, "{}", clean(text))?;
    }
    Ok(stderr.flush()?)
}

/// One document, in JSON unless YAML is asked for.
pub fn data(format: Format, value: &impl Serialize) -> Result<(), Failure> {
    let unwritable = |error: &dyn std::fmt::Display| {
        Failure::new(
            Kind::Unexpected,
            format!("the result can't be written: {error}"),
        )
    };
    let mut value = serde_json::to_value(value).map_err(|error| unwritable(&error))?;
    mask::known().mask(&mut value);
    let (content, document) = match format {
        Format::Yaml => (
            Content::Yaml,
            serde_saphyr::to_string(&Escapable(&value)).map_err(|error| unwritable(&error))?,
        ),
        Format::Text | Format::Json => (
            Content::Json,
            serde_json::to_string_pretty(&value).map_err(|error| unwritable(&error))?,
        ),
    };
    let mut stdout = Stream::stdout().of(content);
    let document = document.trim_end_matches('\n');
    written(writeln!(stdout, "{document}").and_then(|()| stdout.flush()))
}

/// A value whose strings are in double quotes in YAML where they need escapes.
struct Escapable<'a>(&'a Value);

impl Serialize for Escapable<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::String(text) if needs_escapes(text) => {
                serde_saphyr::DoubleQuoted(text.as_str()).serialize(to)
            }
            Value::Array(items) => {
                let mut list = to.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(&Escapable(item))?;
                }
                list.end()
            }
            Value::Object(fields) => {
                let mut map = to.serialize_map(Some(fields.len()))?;
                for (key, value) in fields {
                    map.serialize_entry(key, &Escapable(value))?;
                }
                map.end()
            }
            plain => plain.serialize(to),
        }
    }
}
