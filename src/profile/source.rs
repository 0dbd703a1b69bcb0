use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::diagnostic::Diagnostic;
use super::excerpt::Excerpt;
use super::place::{Place, SourceId};

/// The files that were read, kept so that an error found later can show their lines.
#[derive(Debug, Clone, Default)]
pub struct Sources(Vec<Source>);

#[derive(Debug, Clone)]
struct Source {
    path: PathBuf,
    text: Arc<str>,
    /// Byte offsets at which the lines begin.
    lines: Arc<[usize]>,
}

impl Sources {
    /// Takes up a file's text; the first one is the profile itself.
    pub(super) fn add(&mut self, path: &Path, text: &str) -> SourceId {
        let id = SourceId(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        self.0.push(Source {
            path: path.to_owned(),
            text: text.into(),
            lines: line_starts(text).into(),
        });
        id
    }

    /// The text of a file without its byte order mark.
    pub(super) fn text(&self, id: SourceId) -> Arc<str> {
        self.0
            .get(id.0 as usize)
            .map_or_else(|| "".into(), |source| source.text.clone())
    }

    /// The place of the character that begins at a byte offset.
    pub(super) fn place_of(&self, id: SourceId, offset: usize) -> Place {
        let Some(source) = self.0.get(id.0 as usize) else {
            return Place::spanning(id, 1, 1, 1);
        };
        let line = source.lines.partition_point(|&start| start <= offset);
        let before = source.text.get(source.lines[line - 1]..offset);
        let column = before.map_or(0, |text| text.chars().count()) + 1;
        Place::spanning(id, line, column, 1)
    }

    /// The profile itself, which was taken up first.
    pub(super) fn profile(&self) -> &Path {
        self.0.first().map_or(Path::new(""), |source| &source.path)
    }

    /// The folder that relative paths in this file start from.
    pub(super) fn folder(&self, id: SourceId) -> &Path {
        self.0
            .get(id.0 as usize)
            .and_then(|source| source.path.parent())
            .unwrap_or(Path::new(""))
    }

    /// The file that a place is in.
    pub fn file(&self, place: Place) -> &Path {
        let source = self.0.get(place.source.0 as usize);
        source.map_or(Path::new(""), |source| &source.path)
    }

    /// Where a place is, `FILE:LINE:COLUMN`.
    pub(super) fn located(&self, place: Place) -> String {
        let path = self
            .0
            .get(place.source.0 as usize)
            .map(|source| source.path.display());
        let (line, column) = (place.line(), place.column());
        path.map_or_else(String::new, |path| format!("{path}:{line}:{column}"))
    }

    /// The same for somebody who looks at another place: `line LINE` in the same file.
    pub(super) fn beside(&self, place: Place, other: Place) -> String {
        if place.source == other.source {
            format!("line {}", place.line())
        } else {
            self.located(place)
        }
    }

    /// A diagnostic that shows the line at `place`. A place outside the file is moved to
    /// the nearest character inside.
    pub(super) fn diagnostic(&self, place: Place, message: &str) -> Diagnostic {
        Diagnostic {
            excerpt: self.excerpt(place),
            ..self.without_excerpt(place, message)
        }
    }

    /// The same, its source line still to be cut out.
    pub(super) fn without_excerpt(&self, place: Place, message: &str) -> Diagnostic {
        let source = self.0.get(place.source.0 as usize);
        let path = source.map_or_else(PathBuf::new, |source| source.path.clone());
        Diagnostic::about(path, message)
    }

    /// The source line at `place`.
    pub(super) fn excerpt(&self, place: Place) -> Option<Excerpt> {
        let source = self.0.get(place.source.0 as usize)?;
        let (line, column) = source.inside(place);
        let line_text = source.line(line);
        Some(Excerpt::of(line_text, line, column, place.length()))
    }
}

impl Source {
    fn line(&self, number: usize) -> &str {
        let start = self.lines[number - 1];
        let end = self.lines.get(number).copied().unwrap_or(self.text.len());
        self.text[start..end].trim_end_matches(['\n', '\r'])
    }

    /// The line and column of the place, both from 1; what lies behind the end of the
    /// file becomes the end of its last line that isn't empty.
    fn inside(&self, place: Place) -> (usize, usize) {
        let last = (1..=self.lines.len())
            .rev()
            .find(|&number| !self.line(number).trim().is_empty())
            .unwrap_or(1);
        if place.line() > last {
            return (last, self.line(last).chars().count() + 1);
        }
        (place.line().max(1), place.column().max(1))
    }
}

/// Where lines begin. YAML breaks lines at LF, CR LF and a lone CR (YAML 1.2.2, 5.4).
fn line_starts(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let breaks = bytes.iter().enumerate().filter(|&(index, &byte)| {
        byte == b'\n' || (byte == b'\r' && bytes.get(index + 1) != Some(&b'\n'))
    });
    let mut starts = vec![0];
    starts.extend(breaks.map(|(index, _)| index + 1));
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_line_break_counts_once() {
        let mut sources = Sources::default();
        sources.add(Path::new("p.yaml"), "a\r\nb\rc\nd\n\n");
        let shown = |line| {
            let diagnostic = sources.diagnostic(Place::at(line, 1), "");
            diagnostic.excerpt.map(|it| (it.line, it.column, it.text))
        };
        assert_eq!(shown(2), Some((2, 1, "b".into())));
        assert_eq!(shown(4), Some((4, 1, "d".into())));
        assert_eq!(shown(9), Some((4, 2, "d".into())));
    }
}
