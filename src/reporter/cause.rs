//! A verdict as people read it: its sentence, the way down to the cause, the proof, and what to
//! do next.

use crate::event::Verdict;
use crate::output::{Palette, completed_command};

use super::evidence;
use super::text::{clean, told, wrap};

/// Where the release is, for the commands that look further.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub context: &'a str,
    pub namespace: &'a str,
}

/// The sentence behind `title`, then all that proves it, indented. Text is wrapped at `width`, or
/// not at all; foreign lines are not.
pub fn lines(
    title: &str,
    verdict: &Verdict,
    place: Option<Place<'_>>,
    width: Option<usize>,
    palette: &Palette,
) -> Vec<String> {
    let mut lines = hanging(title, &told(&verdict.sentence), 4, width);
    for (depth, link) in verdict.chain.iter().enumerate() {
        let arrow = match depth {
            0 => String::new(),
            _ => format!("{} ", palette.symbol("└", "`-")),
        };
        let indent = " ".repeat(4 + 2 * depth.saturating_sub(1));
        lines.push(palette.dim(&format!("{indent}{arrow}{}", clean(link))));
    }
    let indented = |line: &String| match line.is_empty() {
        true => String::new(),
        false => format!("    {line}"),
    };
    let inner = width.map(|width| width.saturating_sub(4).max(20));
    for proof in &verdict.evidence {
        let proof = evidence::lines(proof, inner, palette);
        lines.extend(proof.iter().map(indented));
    }
    lines.extend(hints(verdict, width, palette));
    let commands = place.map(|place| evidence::commands(verdict, place.context, place.namespace));
    let commands = commands.unwrap_or_default();
    if !commands.is_empty() {
        lines.push("    to look further:".to_owned());
        let commands = commands.iter().map(|command| completed_command(command));
        lines.extend(commands.map(|command| format!("      {command}")));
    }
    lines
}

/// `    hint: ...`, a line each.
pub fn hints(verdict: &Verdict, width: Option<usize>, palette: &Palette) -> Vec<String> {
    let title = format!("    {} ", palette.bold("hint:"));
    let hints = verdict.hints.iter();
    hints
        .flat_map(|hint| hanging(&title, &told(hint), 10, width))
        .collect()
}

/// A title and its text; the text's further lines are indented.
pub fn hanging(title: &str, text: &str, indent: usize, width: Option<usize>) -> Vec<String> {
    let Some(width) = width else {
        return vec![format!("{title}{text}")];
    };
    let title_width = console::measure_text_width(title);
    let first = width.saturating_sub(title_width).max(10);
    let mut wrapped = wrap(text, first).into_iter();
    let head = wrapped.next().unwrap_or_default();
    let mut lines = vec![format!("{title}{head}")];
    let rest: Vec<String> = wrapped.collect();
    if !rest.is_empty() {
        let rest = wrap(&rest.join(" "), width.saturating_sub(indent).max(10));
        let pad = " ".repeat(indent);
        lines.extend(rest.iter().map(|line| format!("{pad}{line}")));
    }
    lines
}
