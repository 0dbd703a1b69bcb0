use crate::event::{Evidence, Verdict, VerdictClass};
use crate::recovery::LeftAlone;

/// Why helm, or a command around it, did not do what it was told, in words for people and, where somebody acts on it, as
/// data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal {
    pub trouble: Trouble,
    /// One sentence.
    pub sentence: String,
    /// From the object down to the deepest cause.
    pub chain: Vec<String>,
    pub hints: Vec<String>,
    /// The last lines of what was printed, without the values of objects.
    pub output: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Trouble {
    /// What stands behind it may still be seen in the cluster.
    #[default]
    Unclear,
    /// What helm said is the whole story: the cluster knows no more.
    Clear,
    /// It was not helm, but this command of the profile, and what it said is the whole story.
    Command(Box<str>),
    /// The API server gave no answer. It may pass by itself.
    Unreachable,
    /// The cluster serves none of these kinds; another release may bring them.
    MissingKinds(Vec<MissingKind>),
}

/// A kind that a manifest uses and that the cluster does not serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingKind {
    /// `cert-manager.io/v1`
    pub api_version: String,
    /// `Certificate`
    pub kind: String,
}

impl From<LeftAlone> for Refusal {
    fn from(why: LeftAlone) -> Refusal {
        Refusal {
            trouble: Trouble::Clear,
            sentence: why.sentence,
            chain: why.chain,
            hints: why.hints,
            output: Vec::new(),
        }
    }
}

impl Refusal {
    pub fn unclear(sentence: impl Into<String>) -> Refusal {
        Refusal {
            sentence: sentence.into(),
            ..Refusal::default()
        }
    }

    pub fn verdict(self) -> Verdict {
        let lines = self.output;
        let output = match &self.trouble {
            _ if lines.is_empty() => None,
            Trouble::Command(command) => Some(Evidence::Command {
                command: command.to_string(),
                lines,
            }),
            _ => Some(Evidence::Helm { lines }),
        };
        Verdict {
            class: match self.trouble {
                Trouble::Unreachable => VerdictClass::Likely,
                Trouble::Unclear
                | Trouble::Clear
                | Trouble::Command(_)
                | Trouble::MissingKinds(_) => VerdictClass::Certain,
            },
            sentence: self.sentence,
            chain: self.chain,
            evidence: output.into_iter().collect(),
            hints: self.hints,
        }
    }
}
