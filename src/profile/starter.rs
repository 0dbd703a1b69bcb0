use std::fmt::Write;
use std::path::Path;

use super::read::put_right;
use crate::names::{ReleaseId, StackName};

/// Where editors find the grammar.
const SCHEMA: &str =
    "https://raw.githubusercontent.com/stackctl/stackctl/main/docs/schemas/profile.schema.json";

/// A chart that a new profile is to install.
#[derive(Debug, Clone)]
pub struct Starter<'a> {
    /// From the folder of the profile.
    pub chart: &'a Path,
    pub name: &'a str,
    pub description: &'a str,
}

/// The text of a profile that installs these charts, with what else could be said in comments.
pub fn starter(stack: &StackName, charts: &[Starter<'_>]) -> String {
    let mut text = format!(
        "\
# yaml-language-server: $schema={SCHEMA}
name: {stack}
namespace: {stack}

defaults:
  timeout: 10m                   # the whole time that a release may take, hooks included

releases:
"
    );
    let mut taken: Vec<String> = Vec::new();
    for Starter {
        chart,
        name,
        description,
    } in charts
    {
        let id = free(name, &taken);
        if !description.is_empty() {
            let _ = writeln!(text, "  # {description}");
        }
        let chart = chart.display().to_string();
        let plain = |c: char| c.is_alphanumeric() || "/._-".contains(c);
        let chart = match chart.chars().all(plain) {
            true => chart,
            false => serde_json::Value::from(chart).to_string(),
        };
        let _ = writeln!(text, "  {id}:\n    chart: {chart}");
        if taken.is_empty() {
            text += "    # values: [values/NAME.yaml, {replicas: 2}]   # files and maps, the later over the earlier\n";
            text += "    # needs: [OTHER]              # starts when OTHER is ready, or OTHER:service/NAME alone\n";
        }
        taken.push(id);
    }
    text
}

/// An id from the chart's name, or from that and a number.
fn free(name: &str, taken: &[String]) -> String {
    let name = put_right::<ReleaseId>(name).unwrap_or_else(|| "release".to_owned());
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    let mut candidates = std::iter::once(name.clone()).chain(numbered);
    let free = candidates.find(|id| !taken.contains(id));
    free.unwrap_or(name)
}
