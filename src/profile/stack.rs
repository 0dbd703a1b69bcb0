use std::path::{Path, PathBuf};

use super::accept::{self, Accepted};
use super::decode::decode;
use super::defaults;
use super::diagnostic::{Diagnostic, ProfileErrors};
use super::extend;
use super::fields::Fields;
use super::file;
use super::interpolate::{self, Environment};
use super::links;
use super::parse::parse;
use super::place::Place;
use super::read::{boolean, name};
use super::release::{self, Draft, Release, Surroundings};
use super::report::Report;
use super::settle::{Settled, settle};
use super::source::Sources;
use super::tree::{Content, Entry, Node};
use super::values::ValuesReader;
use crate::names::{Namespace, ReleaseId, StackName};

/// A stack as its profile describes it. Every file it names exists; every need leads to
/// an enabled release, and none of them in a cycle.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The file it was loaded from, as it was named.
    pub file: PathBuf,
    pub name: StackName,
    pub namespace: Namespace,
    /// Whether a missing namespace may be made.
    pub create_namespace: bool,
    /// The enabled releases, in the order of the file.
    pub releases: Vec<Release>,
    /// Positions in `releases`, each behind those that it needs.
    pub order: Vec<usize>,
    /// The ids of the others, in the order of the file.
    pub disabled: Vec<ReleaseId>,
    /// Findings of `stackctl check` that stay as they are.
    pub accept: Vec<Accepted>,
    /// What is doubtful and stops nothing.
    pub warnings: Vec<Diagnostic>,
    /// The texts that places point into.
    pub sources: Sources,
}

impl Profile {
    /// Where a place is, `FILE:LINE:COLUMN`.
    pub fn located(&self, place: Place) -> String {
        self.sources.located(place)
    }

    /// The folder that links in it may not lead out of: the one that has `profiles`, else the
    /// profile's own.
    pub fn root(&self) -> PathBuf {
        links::root(&self.file)
    }

    /// An error about this profile that was found after it was loaded, with the source
    /// line at `place`. Add hints to it with [`Diagnostic::hint`].
    pub fn error_at(&self, place: Place, message: &str) -> Diagnostic {
        self.sources.diagnostic(place, message)
    }
}

/// Loads and validates a profile, with those that it extends. Paths in it start from the folder
/// of the file that names them and come back joined to it, so they are relative when `path` is.
///
/// # Errors
/// All that is wrong with the profile, the charts' places and the values files, at once.
/// After a YAML syntax error only that: behind it nothing is certain.
pub fn load(path: &Path, environment: &Environment<'_>) -> Result<Profile, ProfileErrors> {
    let about =
        |trouble: String| ProfileErrors::of(vec![Diagnostic::about(path.to_owned(), &trouble)]);
    let bytes = file::read(path).map_err(about)?;
    read(path, &bytes, environment)
}

/// Like [`load`], from bytes that are already there; `file` is what errors call them and
/// where relative paths start.
///
/// # Errors
/// As for [`load`].
pub fn read(
    file: &Path,
    bytes: &[u8],
    environment: &Environment<'_>,
) -> Result<Profile, ProfileErrors> {
    if let Err(trouble) = file::check_size(bytes) {
        let diagnostic = Diagnostic::about(file.to_owned(), &trouble);
        return Err(ProfileErrors::of(vec![diagnostic]));
    }
    let mut report = Report::default();
    let root = decode(file, bytes, &mut report)
        .ok()
        .and_then(|source| parse(source, &mut report));
    let mut root = root.and_then(|root| extend::whole(root, file, &mut report));
    if let Some(root) = &mut root {
        interpolate::whole(root, environment, &mut report);
    }
    let stack = root.and_then(|root| stack(&root, file, &mut report));
    let (profile, warnings, sources) = report.conclude(stack)?;
    Ok(Profile {
        warnings,
        sources,
        ..profile
    })
}

fn stack(root: &Node, file: &Path, report: &mut Report) -> Option<Profile> {
    if root.is_null() {
        let diagnostic = report.error(root.place, "the profile is empty");
        diagnostic.hint("it needs at least `name`, `namespace` and `releases`");
        return None;
    }
    let mut values = ValuesReader::default();
    let mut fields = Fields::of(root, "the profile".to_owned(), root.place, report)?;
    fields.ignore_extensions();
    // It was followed and taken out when the tree was made whole.
    fields.take(extend::KEY);
    let written_name = fields.require("name", "name: shop");
    let stack_name = written_name.and_then(|it| name(it, "stack name", report));
    let namespace = fields.require("namespace", "namespace: shop");
    let namespace: Option<Namespace> = namespace.and_then(|it| name(it, "namespace", report));
    let create_namespace = fields.take("createNamespace");
    let create_namespace = create_namespace.and_then(|it| boolean(it, report));
    let defaults = defaults::read(fields.take("defaults"), &mut values, report);
    let accepted = fields.take("accept");
    let written = fields.require("releases", "releases: {NAME: {chart: CHART}}");
    fields.finish(report);

    let around = Surroundings {
        namespace: namespace.clone(),
        defaults,
    };
    let written = written?;
    let drafts = read_releases(written, &around, &mut values, report);
    let accepted = accepted.map(|it| accept::read(it, &written.value, report));
    let Settled {
        releases,
        order,
        disabled,
    } = settle(drafts, &written.value, report);
    Some(Profile {
        file: file.to_owned(),
        name: stack_name?,
        namespace: namespace?,
        create_namespace: create_namespace.unwrap_or(true),
        releases,
        order,
        disabled,
        accept: accepted.unwrap_or_default(),
        warnings: Vec::new(),
        sources: Sources::default(),
    })
}

fn read_releases<'a>(
    written: &'a Entry,
    around: &Surroundings,
    values: &mut ValuesReader,
    report: &mut Report,
) -> Vec<Draft<'a>> {
    let place = written.value.place;
    let Content::Map(entries) = &written.value.content else {
        let kind = written.value.kind();
        let message = format!("`releases` must be a map from id to release, this is {kind}");
        let diagnostic = report.error(place, message);
        diagnostic.hint("write for example `releases: {database: {chart: ../charts/database}}`");
        return Vec::new();
    };
    if entries.is_empty() {
        report.error(written.key_place, "the profile has no releases");
    }
    let entries = entries.iter();
    let drafts: Vec<Draft> = entries
        .map(|entry| release::read(entry, around, values, report))
        .collect();
    if !drafts.is_empty() && drafts.iter().all(|draft| draft.disabled.is_some()) {
        report.error(
            written.key_place,
            "every release of this profile is disabled",
        );
    }
    drafts
}
