use std::collections::HashSet;

use super::diagnostic::{Diagnostic, ProfileErrors};
use super::place::Place;
use super::source::Sources;

/// Nobody reads more than that, and a generated file can have very many.
const MOST: usize = 100;

/// Collects what is wrong while the reading goes on, so that all of it is told at once.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) sources: Sources,
    errors: Vec<(Place, Diagnostic)>,
    error_places: HashSet<Place>,
    /// Where nothing more is said: what follows from an error there is none of its own.
    closed: HashSet<Place>,
    unsaid: Vec<(Place, Diagnostic)>,
    warnings: Vec<(Place, Diagnostic)>,
}

impl Report {
    /// Notes an error; hints can be added to what is returned.
    pub(super) fn error(&mut self, place: Place, message: impl AsRef<str>) -> &mut Diagnostic {
        self.error_places.insert(place);
        let diagnostic = self.sources.without_excerpt(place, message.as_ref());
        let list = match self.closed.contains(&place) {
            true => &mut self.unsaid,
            false => &mut self.errors,
        };
        note(list, place, diagnostic)
    }

    /// Keeps what else may be found at a place to itself.
    pub(super) fn close(&mut self, place: Place) {
        self.closed.insert(place);
    }

    /// Notes something doubtful that stops nothing.
    pub(super) fn warn(&mut self, place: Place, message: impl AsRef<str>) -> &mut Diagnostic {
        let diagnostic = self.sources.without_excerpt(place, message.as_ref());
        note(&mut self.warnings, place, diagnostic)
    }

    /// Whether something is already said about this very place, so that a consequence
    /// of it need not be.
    pub(super) fn has_error_at(&self, place: Place) -> bool {
        self.error_places.contains(&place)
    }

    /// `value` and the warnings if there was no error and a value was made of it; else
    /// the errors. Each kind in the order of the file, with its source lines.
    pub(super) fn conclude<T>(
        self,
        value: Option<T>,
    ) -> Result<(T, Vec<Diagnostic>, Sources), ProfileErrors> {
        match value {
            Some(value) if self.errors.is_empty() => {
                let (warnings, _) = in_order(self.warnings, &self.sources);
                Ok((value, warnings, self.sources))
            }
            _ => {
                let (shown, count) = in_order(self.errors, &self.sources);
                Err(ProfileErrors { shown, count })
            }
        }
    }
}

fn note(
    list: &mut Vec<(Place, Diagnostic)>,
    place: Place,
    diagnostic: Diagnostic,
) -> &mut Diagnostic {
    let index = list.len();
    list.push((place, diagnostic));
    &mut list[index].1
}

/// Sorted by place, the first [`MOST`] and a last one that counts the others, and how many there are. What an
/// alias repeats is told once. Excerpts are made only here: lines can be as long as the
/// file, and so can the list.
fn in_order(mut list: Vec<(Place, Diagnostic)>, sources: &Sources) -> (Vec<Diagnostic>, usize) {
    list.sort_by_key(|&(place, _)| place);
    list.dedup();
    let count = list.len();
    let more = list.len().saturating_sub(MOST);
    if more > 0 {
        list.truncate(MOST + 1);
        if let Some((place, last)) = list.last_mut() {
            *last = sources.without_excerpt(*place, &format!("{more} more, from here on"));
        }
    }
    let shown = list.into_iter().map(|(place, diagnostic)| Diagnostic {
        excerpt: sources.excerpt(place),
        ..diagnostic
    });
    (shown.collect(), count)
}
