use std::fmt::{self, Write as _};

use serde::{Serialize, Serializer};

use super::{Context, print, profile};
use crate::cli::{Format, Graph, GraphFormat};
use crate::error::Failure;
use crate::plan::{Plan, Step};

/// A plan's graph as data.
#[derive(Debug, Serialize)]
struct View {
    stack: String,
    namespace: String,
    releases: Vec<Node>,
}

#[derive(Debug, Serialize)]
struct Node {
    id: String,
    /// All that the profile names.
    needs: Vec<Need>,
    /// Without those that another need implies.
    reduced_needs: Vec<Need>,
}

/// What a release waits for, printed as a profile has it: `php-fpm:service/php-fpm`.
#[derive(Debug)]
struct Need {
    id: String,
    /// `None` until all of it is ready.
    until: Option<String>,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.until {
            None => f.write_str(&self.id),
            Some(until) => write!(f, "{}:{until}", self.id),
        }
    }
}

impl Serialize for Need {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

pub fn run(context: &Context, args: &Graph) -> Result<(), Failure> {
    let profile = profile::load(context)?;
    let plan = profile::plan(&profile, &profile::selection(&args.releases, false))?;
    let view = view(&plan);
    let text = match args.format {
        GraphFormat::Text => text(&view),
        GraphFormat::Mermaid => mermaid(&view),
        GraphFormat::Dot => dot(&view),
    };
    match args.output {
        Format::Text => print::text(&text),
        Format::Json | Format::Yaml => print::data(args.output, &view),
    }
}

fn view(plan: &Plan) -> View {
    let written = |step: &Step, needs: &[usize]| {
        let written = needs.iter().flat_map(|&need| {
            let id = plan.steps()[need].id.to_string();
            let until = step
                .sooner_than_ready(need)
                .iter()
                .map(|it| Some(it.to_string()));
            let until = until.chain(step.sooner_than_ready(need).is_empty().then_some(None));
            until
                .map(move |until| Need {
                    id: id.clone(),
                    until,
                })
                .collect::<Vec<_>>()
        });
        written.collect::<Vec<_>>()
    };
    let reduced = plan.reduced_needs();
    let releases = plan.steps().iter().zip(&reduced);
    View {
        stack: plan.stack.to_string(),
        namespace: plan.namespace.to_string(),
        releases: releases
            .map(|(step, reduced)| Node {
                id: step.id.to_string(),
                needs: written(step, &step.needs),
                reduced_needs: written(step, reduced),
            })
            .collect(),
    }
}

/// One release a line in the order of a run, with what it waits for.
fn text(view: &View) -> String {
    let width = view.releases.iter().map(|r| r.id.len()).max().unwrap_or(0);
    let mut text = format!("{} in namespace {}\n", view.stack, view.namespace);
    for node in &view.releases {
        let needs = match node.reduced_needs.as_slice() {
            [] => String::new(),
            needs => {
                let needs: Vec<String> = needs.iter().map(Need::to_string).collect();
                format!("  needs {}", needs.join(", "))
            }
        };
        let line = format!("  {:width$}{needs}", node.id);
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn mermaid(view: &View) -> String {
    let mut text = String::from("graph TD\n");
    for node in &view.releases {
        if node.reduced_needs.is_empty() {
            let _ = writeln!(text, "  {}", node.id);
        }
        for need in &node.reduced_needs {
            let label = need
                .until
                .as_ref()
                .map_or_else(String::new, |it| format!("|{it}|"));
            let _ = writeln!(text, "  {} -->{label} {}", need.id, node.id);
        }
    }
    text
}

fn dot(view: &View) -> String {
    let mut text = format!("digraph \"{}\" {{\n  rankdir=LR;\n", view.stack);
    for node in &view.releases {
        let _ = writeln!(text, "  \"{}\";", node.id);
        for need in &node.reduced_needs {
            let label = need.until.as_ref();
            let label = label.map_or_else(String::new, |it| format!(" [label=\"{it}\"]"));
            let _ = writeln!(text, "  \"{}\" -> \"{}\"{label};", need.id, node.id);
        }
    }
    text.push_str("}\n");
    text
}
