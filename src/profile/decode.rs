use std::path::Path;

use super::diagnostic::Diagnostic;
use super::place::SourceId;
use super::report::Report;

/// Takes up a file's bytes as text. What is no text that YAML allows is reported where
/// its first wrong byte is; the error comes back for more hints. A byte order mark is dropped.
pub(super) fn decode<'r>(
    path: &Path,
    bytes: &[u8],
    report: &'r mut Report,
) -> Result<SourceId, &'r mut Diagnostic> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let (offset, message, hint) = match std::str::from_utf8(bytes) {
        Ok(text) => {
            let source = report.sources.add(path, text);
            let Some((offset, character)) = forbidden(text) else {
                return Ok(source);
            };
            let place = report.sources.place_of(source, offset);
            let message = format!("YAML does not allow the control character {character}");
            return Err(report.error(place, message));
        }
        Err(_) if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") => {
            (0, "the file is UTF-16", "save it as UTF-8")
        }
        Err(error) => (
            error.valid_up_to(),
            "this byte is not UTF-8",
            "save the file as UTF-8",
        ),
    };
    let source = report.sources.add(path, &String::from_utf8_lossy(bytes));
    let place = report.sources.place_of(source, offset);
    Err(report.error(place, message).hint(hint))
}

/// The first character outside YAML's printable set (YAML 1.2.2, 5.1), as `U+0007`.
fn forbidden(text: &str) -> Option<(usize, String)> {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{85}') || !c.is_control();
    let (offset, odd) = text.char_indices().find(|&(_, c)| !allowed(c))?;
    Some((offset, format!("U+{:04X}", u32::from(odd))))
}
