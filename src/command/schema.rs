use super::print;
use crate::error::Failure;
use crate::profile;

/// The JSON Schema of a profile.
pub fn run() -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(&profile::schema()).map_err(anyhow::Error::from)?;
    print::verbatim(&format!("{text}\n"))
}
