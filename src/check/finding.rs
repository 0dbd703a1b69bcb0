use std::path::PathBuf;

use serde::Serialize;

use super::object::Object;
use super::rules::Rule;
use super::stack::Release;
use crate::names::ReleaseId;
use crate::profile::Place;

/// How bad it is, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It will not work, or loses data.
    Error,
    /// It works until something happens.
    Warning,
    /// It may be meant.
    Note,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// Something that a rule found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    pub rule: &'static str,
    pub severity: Severity,
    pub release: ReleaseId,
    /// `deployment/web`
    pub object: Option<String>,
    /// As helm names it: `web/templates/deployment.yaml`, or the profile.
    pub file: Option<PathBuf>,
    /// Counted from 1.
    pub line: Option<usize>,
    pub message: String,
    pub why: &'static str,
    pub remedy: &'static str,
    /// The reason for which the profile accepts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
    /// Text that stands in the line that is meant.
    #[serde(skip)]
    pub(super) near: Option<String>,
    /// Where in the profile it is.
    #[serde(skip)]
    pub place: Option<Place>,
}

impl Finding {
    /// The line of the template with this text is meant.
    pub(super) fn near(&mut self, text: &str) -> &mut Finding {
        self.near = Some(text.to_owned());
        self
    }

    pub(super) fn severity(&mut self, severity: Severity) -> &mut Finding {
        self.severity = severity;
        self
    }

    /// Finds the line in the text of its file: the only one that has the text that is meant.
    pub fn locate(&mut self, text: &str) {
        let Some(near) = &self.near else { return };
        let mut lines = text
            .lines()
            .zip(1..)
            .filter(|(line, _)| line.contains(near));
        if let (Some((_, line)), None) = (lines.next(), lines.next()) {
            self.line = Some(line);
        }
    }
}

/// What one rule finds.
#[derive(Debug)]
pub struct Findings {
    rule: &'static Rule,
    found: Vec<Finding>,
}

impl Findings {
    pub(super) fn new(rule: &'static Rule) -> Findings {
        Findings {
            rule,
            found: Vec::new(),
        }
    }

    pub(super) fn into_inner(self) -> Vec<Finding> {
        self.found
    }

    /// Something is wrong with an object.
    pub(super) fn at(
        &mut self,
        release: &Release,
        object: &Object,
        message: impl Into<String>,
    ) -> &mut Finding {
        let finding = self.add(release, message.into());
        finding.object = Some(object.short());
        finding.file = Some(object.template.clone());
        finding
    }

    /// Something is wrong with a template that rendered no object.
    pub(super) fn in_file(
        &mut self,
        release: &Release,
        file: PathBuf,
        message: impl Into<String>,
    ) -> &mut Finding {
        let finding = self.add(release, message.into());
        finding.file = Some(file);
        finding
    }

    /// Something is wrong with what the profile says.
    pub(super) fn in_profile(
        &mut self,
        release: &Release,
        place: Place,
        message: impl Into<String>,
    ) -> &mut Finding {
        let finding = self.add(release, message.into());
        finding.place = Some(place);
        finding
    }

    fn add(&mut self, release: &Release, message: String) -> &mut Finding {
        let at = self.found.len();
        self.found.push(Finding {
            rule: self.rule.id,
            severity: self.rule.severity,
            release: release.id.clone(),
            object: None,
            file: None,
            line: None,
            message,
            why: self.rule.why,
            remedy: self.rule.remedy,
            accepted: None,
            near: None,
            place: None,
        });
        &mut self.found[at]
    }
}

/// All that was found in a stack.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// How many releases were looked at.
    pub releases: usize,
    pub findings: Vec<Finding>,
}

/// How many findings there are of each severity, and how many are accepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub errors: usize,
    pub warnings: usize,
    pub notes: usize,
    pub accepted: usize,
}

impl Report {
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for finding in &self.findings {
            *match (&finding.accepted, finding.severity) {
                (Some(_), _) => &mut counts.accepted,
                (None, Severity::Error) => &mut counts.errors,
                (None, Severity::Warning) => &mut counts.warnings,
                (None, Severity::Note) => &mut counts.notes,
            } += 1;
        }
        counts
    }
}
