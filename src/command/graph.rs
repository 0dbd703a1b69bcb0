use std::fmt::Write as _;

use serde::Serialize;

use super::{Context, print, profile};
use crate::cli::{Format, Graph, GraphFormat};
use crate::error::Failure;
use crate::plan::{Plan, Selection};

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
    needs: Vec<String>,
    /// Without those that another need implies.
    reduced_needs: Vec<String>,
}

pub fn run(context: &Context, args: &Graph) -> Result<(), Failure> {
    let profile = profile::load(context)?;
    let selection = if args.releases.is_empty() {
        Selection::All
    } else {
        Selection::WithNeeds(args.releases.clone())
    };
    let plan = profile::plan(&profile, &selection)?;
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
    let ids = |needs: &[usize]| {
        let ids = needs.iter().map(|&need| plan.steps()[need].id.to_string());
        ids.collect::<Vec<_>>()
    };
    let reduced = plan.reduced_needs();
    let releases = plan.steps().iter().zip(&reduced);
    View {
        stack: plan.stack.to_string(),
        namespace: plan.namespace.to_string(),
        releases: releases
            .map(|(step, reduced)| Node {
                id: step.id.to_string(),
                needs: ids(&step.needs),
                reduced_needs: ids(reduced),
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
            needs => format!("  needs {}", needs.join(", ")),
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
            let _ = writeln!(text, "  {need} --> {}", node.id);
        }
    }
    text
}

fn dot(view: &View) -> String {
    let mut text = format!("digraph \"{}\" {{\n  rankdir=LR;\n", view.stack);
    for node in &view.releases {
        let _ = writeln!(text, "  \"{}\";", node.id);
        for need in &node.reduced_needs {
            let _ = writeln!(text, "  \"{need}\" -> \"{}\";", node.id);
        }
    }
    text.push_str("}\n");
    text
}
