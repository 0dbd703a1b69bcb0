//! From a plan to charts that helm can install.

use std::collections::HashMap;

use crate::error::{Failure, Kind};
use crate::helm::{self, Staged, Workspace};
use crate::names::ReleaseId;
use crate::plan::Plan;
use crate::wording;

/// Charts that helm can install, and the private folder that they are in.
pub struct Charts {
    pub workspace: Workspace,
    pub staged: HashMap<ReleaseId, Staged>,
}

/// Brings the charts of a plan together.
pub fn stage(plan: &Plan) -> Result<Charts, Failure> {
    let workspace = workspace()?;
    let staged = helm::stage(plan, &workspace).map_err(|errors| {
        let mut failure = Failure::new(
            Kind::Invalid,
            format!("{} can't be used", wording::count(errors.len(), "chart")),
        );
        for error in errors {
            failure = failure.details([format!("  {error}")]).hints(error.hints());
        }
        failure
    })?;
    Ok(Charts { workspace, staged })
}

/// For a removal: helm knows from its records what to take away.
pub fn none() -> Result<Charts, Failure> {
    Ok(Charts {
        workspace: workspace()?,
        staged: HashMap::new(),
    })
}

fn workspace() -> Result<Workspace, Failure> {
    Workspace::new().map_err(|error| {
        // tempfile adds the path of a folder that never was.
        let error = error.to_string();
        let error = error.split(" at path ").next().unwrap_or_default();
        Failure::new(
            Kind::Environment,
            format!(
                "no private folder can be made in `{}`: {error}",
                std::env::temp_dir().display()
            ),
        )
        .hint("set `TMPDIR` to a folder that can be written to")
    })
}
