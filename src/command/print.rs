//! Data on stdout.

use std::io::{self, Write};

use serde::Serialize;

use crate::cli::Format;
use crate::error::{Failure, Kind};
use crate::output::Stream;
use crate::reporter::text::clean;

pub fn text(text: &str) -> Result<(), Failure> {
    let write = |mut stdout: Stream| -> io::Result<()> {
        stdout.write_all(text.as_bytes())?;
        stdout.flush()
    };
    write(Stream::stdout()).map_err(|error| {
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

/// One document, in JSON unless YAML is asked for.
pub fn data(format: Format, value: &impl Serialize) -> Result<(), Failure> {
    let unwritable = |error: &dyn std::fmt::Display| {
        Failure::new(
            Kind::Unexpected,
            format!("the result can't be written: {error}"),
        )
    };
    let mut document = match format {
        Format::Yaml => serde_saphyr::to_string(value).map_err(|error| unwritable(&error))?,
        Format::Text | Format::Json => {
            serde_json::to_string_pretty(value).map_err(|error| unwritable(&error))?
        }
    };
    if !document.ends_with('\n') {
        document.push('\n');
    }
    text(&document)
}
