//! The proof of a verdict as lines, and the commands that show more of it.

use crate::event::{Evidence, Verdict};
use crate::names::IN_CLUSTER;
use crate::output::Palette;
use crate::wording::shell_word;

use super::text::{bounded, clean, clean_log, fit, wrap};

/// Lines of one log or of helm's output, counted from the end.
const LINES: usize = 20;
/// Characters of one foreign line.
const LINE_LIMIT: usize = 400;
/// Columns of a ruler, where there is room.
const RULER: usize = 72;

/// Foreign lines stand between rulers, uncut but for their length; cluster messages are wrapped
/// at `width`, or not at all.
pub fn lines(evidence: &Evidence, width: Option<usize>, palette: &Palette) -> Vec<String> {
    match evidence {
        Evidence::Log {
            pod,
            container,
            attempt,
            lines,
        } => {
            let again = match attempt {
                0 | 1 => String::new(),
                attempt => format!(", attempt {attempt}"),
            };
            let title = format!("log of {} in {}{again}", clean(container), clean(pod));
            between_rulers(&title, lines, width, palette)
        }
        Evidence::Command { command, lines } => {
            let title = format!("what {} said", clean(command));
            between_rulers(&title, lines, width, palette)
        }
        Evidence::Helm { lines } => between_rulers("what helm said", lines, width, palette),
        Evidence::ClusterEvent {
            object,
            reason,
            message,
            count,
        } => {
            let times = match count {
                0 | 1 => String::new(),
                count => format!(" ({count} times)"),
            };
            let title = format!("event {}: {}{times}", clean(object), clean(reason));
            message_lines(&title, message, width)
        }
        Evidence::Status {
            object,
            reason,
            message,
        } => {
            let title = format!("status {}: {}", clean(object), clean(reason));
            message_lines(&title, message, width)
        }
    }
}

fn message_lines(title: &str, message: &str, width: Option<usize>) -> Vec<String> {
    let message = bounded(&clean(message), LINE_LIMIT * 2);
    let text = match message.is_empty() {
        true => title.to_owned(),
        false => format!("{title}: {message}"),
    };
    let Some(width) = width else {
        return vec![text];
    };
    let wrapped = wrap(&text, width.saturating_sub(2)).into_iter().enumerate();
    wrapped
        .map(|(place, line)| match place {
            0 => line,
            _ => format!("  {line}"),
        })
        .collect()
}

fn between_rulers(
    title: &str,
    lines: &[String],
    width: Option<usize>,
    palette: &Palette,
) -> Vec<String> {
    let dash = palette.symbol("─", "-");
    let width = width.unwrap_or(RULER).min(RULER);
    let title = fit(title, width.saturating_sub(6), palette);
    let left = width.saturating_sub(console::measure_text_width(&title) + 4);
    let head = format!("{dash}{dash} {title} {}", dash.repeat(left));
    let skipped = lines.len().saturating_sub(LINES);
    let mut all = vec![palette.dim(&head)];
    if skipped > 0 {
        let skipped = crate::wording::count(skipped, "earlier line");
        all.push(palette.dim(&format!("({skipped})")));
    }
    if lines.is_empty() {
        all.push(palette.dim("(nothing)"));
    }
    let shown = lines.iter().rev().take(LINES).rev();
    all.extend(shown.map(|line| bounded(clean_log(line).trim_end(), LINE_LIMIT)));
    all.push(palette.dim(&dash.repeat(width)));
    all
}

/// `kubectl` commands that show what the verdict is about, each once.
pub fn commands(verdict: &Verdict, context: &str, namespace: &str) -> Vec<String> {
    let to = match context {
        IN_CLUSTER => String::new(),
        context => format!(" --context {}", shell_word(&clean(context))),
    };
    let kubectl = format!("kubectl{to} -n {namespace}");
    let mut objects = verdict.chain.iter().rev().filter(|link| is_object(link));
    // The deepest may be one that is missing: then the one that misses it is described.
    let told = |link: &&String| {
        verdict.evidence.iter().any(|evidence| match evidence {
            Evidence::Status { object, .. } | Evidence::ClusterEvent { object, .. } => {
                object == *link
            }
            _ => false,
        })
    };
    let deepest = objects.clone().find(told).or_else(|| objects.next());
    let describe = deepest
        .into_iter()
        .map(|object| format!("{kubectl} describe {object}"));
    let logs = verdict
        .evidence
        .iter()
        .filter_map(|evidence| match evidence {
            Evidence::Log { pod, container, .. } => {
                let (pod, container) = (clean(pod), clean(container));
                Some(format!("{kubectl} logs {pod} -c {container}"))
            }
            _ => None,
        });
    let mut commands: Vec<String> = describe.chain(logs).collect();
    commands.dedup();
    commands
}

/// `kind/name`, with nothing in it that a shell would read.
fn is_object(link: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '/');
    link.split('/').filter(|part| !part.is_empty()).count() == 2 && link.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_safe_to_paste() {
        assert_eq!(shell_word("kind-oro"), "kind-oro");
        assert_eq!(
            shell_word("arn:aws:eks:eu:1:cluster/a"),
            "arn:aws:eks:eu:1:cluster/a"
        );
        assert_eq!(shell_word("it's; rm"), r"'it'\''s; rm'");
        assert!(is_object("pod/php-fpm-7d9f"));
        assert!(!is_object("init container migrate"));
        assert!(!is_object("pod/$(x)"));
    }

    /// In a pod of the cluster kubectl finds it by itself, and knows no context of that name.
    #[test]
    fn commands_name_the_context_where_there_is_one() {
        let verdict = Verdict {
            class: crate::event::VerdictClass::Certain,
            sentence: String::new(),
            chain: vec!["deployment/web".into()],
            evidence: Vec::new(),
            hints: Vec::new(),
        };
        let of = |context| commands(&verdict, context, "shop");
        assert_eq!(of(IN_CLUSTER), ["kubectl -n shop describe deployment/web"]);
        assert_eq!(
            of("prod"),
            ["kubectl --context prod -n shop describe deployment/web"]
        );
    }

    #[test]
    fn only_the_last_lines_of_a_log_are_shown() {
        let log = Evidence::Log {
            pod: "p".into(),
            container: "c".into(),
            attempt: 1,
            lines: (1..=25).map(|number| format!("line {number}")).collect(),
        };
        let shown = lines(&log, None, &Palette::default());
        assert_eq!(shown.len(), LINES + 3);
        assert_eq!(shown[1], "(5 earlier lines)");
        assert_eq!(shown[2], "line 6");
    }
}
