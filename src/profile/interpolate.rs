use std::ffi::OsString;

use super::quote::quoted;
use super::report::Report;
use super::scalar::{Scalar, Typed};
use super::tree::{Content, Entry, Node};

/// Where variables come from: a name to its value.
pub type Environment<'a> = dyn Fn(&str) -> Option<OsString> + 'a;

/// What all variables together may bring: a few lines can name a long one very often.
const ALLOWANCE: usize = 8 * 1024 * 1024;

/// Puts variables in the place of `${NAME}` in all scalars, but for the releases that are
/// disabled: what those would need need not be there.
pub(super) fn whole(root: &mut Node, environment: &Environment<'_>, report: &mut Report) {
    let Content::Map(entries) = &mut root.content else {
        return;
    };
    let mut variables = Variables {
        environment,
        left: ALLOWANCE,
    };
    for entry in entries {
        match &mut entry.value.content {
            Content::Map(releases) if entry.key == "releases" => {
                for release in releases {
                    below(&mut release.value, &mut variables, report);
                }
            }
            _ => node(&mut entry.value, &mut variables, report),
        }
    }
}

struct Variables<'a> {
    environment: &'a Environment<'a>,
    /// Bytes.
    left: usize,
}

impl Variables<'_> {
    /// What stands for `NAME`, `NAME:-default` or `NAME:?why`.
    fn value(&mut self, inside: &str) -> Result<String, Trouble> {
        let value = value(inside, self.environment)?;
        match self.left.checked_sub(value.len()) {
            Some(left) => self.left = left,
            None => {
                // One error is enough; what comes after it is left as it is.
                self.left = usize::MAX;
                let message = "the variables up to here bring more than 8 MiB".to_owned();
                return Err(Trouble::new(message, None));
            }
        }
        Ok(value)
    }

    fn is_used_up(&self) -> bool {
        self.left > ALLOWANCE
    }
}

/// A release, whose `enabled` decides whether the rest is looked at.
fn below(release: &mut Node, variables: &mut Variables<'_>, report: &mut Report) {
    if let Content::Map(entries) = &mut release.content
        && let Some(enabled) = entries.iter_mut().find(|entry| entry.key == "enabled")
    {
        node(&mut enabled.value, variables, report);
        if is_false(enabled) {
            return;
        }
    }
    node(release, variables, report);
}

fn is_false(entry: &Entry) -> bool {
    matches!(&entry.value.content, Content::Scalar(scalar) if scalar.typed() == Typed::Bool(false))
}

fn node(node: &mut Node, variables: &mut Variables<'_>, report: &mut Report) {
    match &mut node.content {
        Content::Scalar(scalar) => {
            if let Err(trouble) = scalar_text(scalar, variables) {
                let diagnostic = report.error(node.place, trouble.message);
                trouble.hint.map(|hint| diagnostic.hint(hint));
                report.close(node.place);
            }
        }
        Content::List(items) => {
            for item in items {
                self::node(item, variables, report);
            }
        }
        Content::Map(entries) => {
            for entry in entries {
                self::node(&mut entry.value, variables, report);
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Trouble {
    message: String,
    hint: Option<String>,
}

impl Trouble {
    fn new(message: String, hint: impl Into<Option<String>>) -> Trouble {
        Trouble {
            message,
            hint: hint.into(),
        }
    }
}

fn scalar_text(scalar: &mut Scalar, variables: &mut Variables<'_>) -> Result<(), Trouble> {
    if scalar.text.contains('$') && !variables.is_used_up() {
        scalar.text = interpolated(&scalar.text, variables)?;
    }
    Ok(())
}

/// `$$` is one `$`; a `$` before anything but `{` or `$` is itself. What a variable brings is not looked at again.
fn interpolated(text: &str, variables: &mut Variables<'_>) -> Result<String, Trouble> {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        result.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            result.push('$');
            rest = after;
        } else if let Some(after) = after.strip_prefix('{') {
            let Some((inside, after)) = after.split_once('}') else {
                let message = format!("`${{` has no `}}` in {}", quoted(text));
                return Err(Trouble::new(
                    message,
                    "a `$` that means itself is written `$$`".to_owned(),
                ));
            };
            result.push_str(&variables.value(inside)?);
            rest = after;
        } else {
            result.push('$');
            rest = after;
        }
    }
    result.push_str(rest);
    Ok(result)
}

/// What stands for `NAME`, `NAME:-default` or `NAME:?why`.
fn value(inside: &str, environment: &Environment<'_>) -> Result<String, Trouble> {
    let (name, rest) =
        inside.split_at(inside.find(|c| !is_part_of_name(c)).unwrap_or(inside.len()));
    let written = format!("${{{inside}}}");
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        let message = format!("{} does not begin with a variable's name", quoted(&written));
        return Err(Trouble::new(
            message,
            "a `$` that means itself is written `$$`".to_owned(),
        ));
    }
    let found = match environment(name).map(OsString::into_string) {
        Some(Ok(value)) => Some(value),
        Some(Err(_)) => {
            let message = format!("the environment variable {} is not UTF-8", quoted(name));
            return Err(Trouble::new(message, None));
        }
        None => None,
    };
    let filled = found.clone().filter(|value| !value.is_empty());
    if let Some(default) = rest.strip_prefix(":-") {
        return match default.contains("${") {
            true => {
                let message = format!("the default in {} is a variable itself", quoted(&written));
                Err(Trouble::new(message, "a default is plain text".to_owned()))
            }
            false => Ok(filled.unwrap_or_else(|| default.to_owned())),
        };
    }
    if let Some(why) = rest.strip_prefix(":?") {
        let why = if why.trim().is_empty() {
            "it is needed"
        } else {
            why.trim()
        };
        let message = format!(
            "the environment variable {} is not set: {why}",
            quoted(name)
        );
        return filled.ok_or_else(|| Trouble::new(message, None));
    }
    if !rest.is_empty() {
        let message = format!("{} has {} behind the name", quoted(&written), quoted(rest));
        let hint =
            format!("a default is written `${{{name}:-default}}`, a reason `${{{name}:?why}}`");
        return Err(Trouble::new(message, hint));
    }
    found.ok_or_else(|| {
        let message = format!("the environment variable {} is not set", quoted(name));
        Trouble::new(
            message,
            format!("`${{{name}:-default}}` would do without it"),
        )
    })
}

fn is_part_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn environment(name: &str) -> Option<OsString> {
        match name {
            "TAG" => Some("1.4.0".into()),
            "EMPTY" => Some("".into()),
            "TRICKY" => Some("${TAG} $$".into()),
            _ => None,
        }
    }

    fn variables() -> Variables<'static> {
        Variables {
            environment: &environment,
            left: ALLOWANCE,
        }
    }

    fn shown(text: &str) -> String {
        match interpolated(text, &mut variables()) {
            Ok(text) => text,
            Err(trouble) => format!("error: {}", trouble.message),
        }
    }

    #[test]
    fn variables_stand_for_their_values() {
        let table = [
            ("", ""),
            ("plain", "plain"),
            ("v${TAG}-x", "v1.4.0-x"),
            ("${TAG}${TAG}", "1.4.01.4.0"),
            ("${EMPTY}", ""),
            ("${EMPTY:-none}", "none"),
            ("${UNSET:-}", ""),
            ("${UNSET:-a b}", "a b"),
            ("${TAG:-x}", "1.4.0"),
            ("${TAG:?must be given}", "1.4.0"),
            ("${TRICKY}", "${TAG} $$"),
            ("a $5 b$", "a $5 b$"),
            ("$$", "$"),
            ("$${TAG}", "${TAG}"),
            ("$$$$x", "$$x"),
        ];
        for (text, expected) in table {
            assert_eq!(shown(text), expected, "`{text}`");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let table = [
            ("${UNSET}", "the environment variable `UNSET` is not set"),
            (
                "${UNSET:?ask the operators}",
                "the environment variable `UNSET` is not set: ask the operators",
            ),
            (
                "${EMPTY:?}",
                "the environment variable `EMPTY` is not set: it is needed",
            ),
            ("${TAG", "`${` has no `}` in `${TAG`"),
            ("${}", "`${}` does not begin with a variable's name"),
            ("${1}", "`${1}` does not begin with a variable's name"),
            ("${TAG-x}", "`${TAG-x}` has `-x` behind the name"),
            (
                "${UNSET:-${TAG}}",
                "the default in `${UNSET:-${TAG}` is a variable itself",
            ),
        ];
        for (text, expected) in table {
            assert_eq!(shown(text), format!("error: {expected}"), "`{text}`");
        }
    }

    #[test]
    fn what_variables_bring_has_a_bound() {
        let long = |_: &str| Some("x".repeat(1024).into());
        let mut variables = Variables {
            environment: &long,
            left: 3000,
        };
        let error = interpolated("${A}${A}${A}${A}", &mut variables).unwrap_err();
        assert_eq!(
            error.message,
            "the variables up to here bring more than 8 MiB"
        );
        let mut next = Scalar {
            text: "${A}".to_owned(),
            plain: true,
        };
        assert_eq!(scalar_text(&mut next, &mut variables), Ok(()));
        assert_eq!(next.text, "${A}");
    }

    proptest! {
        #[test]
        fn any_text_ends(text in r"[a-z${}:?\-]{0,40}") {
            let _ = interpolated(&text, &mut variables());
        }

        #[test]
        fn text_comes_through_when_its_dollars_are_doubled(text in ".{0,40}") {
            prop_assert_eq!(shown(&text.replace('$', "$$")), text);
        }
    }
}
