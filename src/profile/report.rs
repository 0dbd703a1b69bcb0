use super::diagnostic::{Diagnostic, ProfileErrors};
use super::place::Place;
use super::source::Sources;

/// Collects what is wrong while the reading goes on, so that all of it is told at once.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) sources: Sources,
    errors: Vec<(Place, Diagnostic)>,
    warnings: Vec<(Place, Diagnostic)>,
}

impl Report {
    /// Notes an error; hints can be added to what is returned.
    pub(super) fn error(&mut self, place: Place, message: impl AsRef<str>) -> &mut Diagnostic {
        let diagnostic = self.sources.diagnostic(place, message.as_ref());
        note(&mut self.errors, place, diagnostic)
    }

    /// Notes something doubtful that stops nothing.
    pub(super) fn warn(&mut self, place: Place, message: impl AsRef<str>) -> &mut Diagnostic {
        let diagnostic = self.sources.diagnostic(place, message.as_ref());
        note(&mut self.warnings, place, diagnostic)
    }

    /// Whether something is already said about this very place, so that a consequence
    /// of it need not be.
    pub(super) fn has_error_at(&self, place: Place) -> bool {
        self.errors.iter().any(|&(at, _)| at == place)
    }

    /// `value` and the warnings if there was no error and a value was made of it; else
    /// the errors. Each kind in the order of the file.
    pub(super) fn conclude<T>(
        self,
        value: Option<T>,
    ) -> Result<(T, Vec<Diagnostic>, Sources), ProfileErrors> {
        match value {
            Some(value) if self.errors.is_empty() => {
                Ok((value, in_order(self.warnings), self.sources))
            }
            _ => Err(ProfileErrors(bounded(in_order(self.errors)))),
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

/// Nobody reads more than that, and a generated file can have very many.
const MOST: usize = 100;

fn bounded(mut errors: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let more = errors.len().saturating_sub(MOST);
    if let Some(last) = errors.get(MOST) {
        let message = format!("{more} more, from here on");
        let excerpt = last.excerpt.clone();
        let rest = Diagnostic::about(last.file.clone(), &message);
        errors.truncate(MOST);
        errors.push(Diagnostic { excerpt, ..rest });
    }
    errors
}

/// Sorted by place. What an alias repeats is told once.
fn in_order(mut list: Vec<(Place, Diagnostic)>) -> Vec<Diagnostic> {
    list.sort_by_key(|&(place, _)| place);
    list.dedup();
    list.into_iter().map(|(_, diagnostic)| diagnostic).collect()
}
