use super::place::{Place, SourceId};

/// Where the parser stopped.
/// The column is counted from 0.
pub(super) fn place(source: SourceId, line: usize, column: usize) -> Place {
    Place::spanning(source, line, column + 1, 1)
}

/// The parser's words said for somebody who doesn't know its insides: the message and a
/// hint. Words that aren't known here are passed on.
pub(super) fn explain(info: &str) -> (String, Option<&'static str>) {
    let known: &[(&str, &str, Option<&str>)] = &[
        (
            "tab",
            "a tab can't be used for indentation",
            Some("indent with spaces"),
        ),
        (
            "unknown anchor",
            "this alias refers to no anchor before it",
            Some("an anchor is written `&name`; text that begins with `*` needs quotes"),
        ),
        (
            "mapping values are not allowed",
            "a `:` can't stand here",
            Some("text with `: ` in it needs quotes; or a line before is indented wrongly"),
        ),
        (
            "found unexpected end of stream",
            "the file ends inside a quoted text",
            Some("look for a quote that is opened and not closed"),
        ),
        (
            "found unexpected document indicator",
            "a document marker stands inside a quoted text",
            Some("look for a quote that is opened and not closed"),
        ),
        (
            "illegal placement of ':'",
            "a `:` can't stand here",
            Some("look for a bracket above that is not closed"),
        ),
        (
            "unclosed quote",
            "the file ends inside a quoted text",
            Some("look for a quote that is opened and not closed"),
        ),
        ("unclosed bracket", "this bracket is not closed", None),
        (
            "mismatched bracket",
            "this bracket is closed by one of another kind",
            None,
        ),
        (
            "misplaced bracket",
            "this bracket closes none",
            Some("text that begins with a bracket needs quotes"),
        ),
        (
            "invalid trailing content after",
            "nothing can follow a quoted text here",
            Some("put the whole text in quotes"),
        ),
        (
            "unexpected EOF while parsing a flow",
            "a bracket is not closed",
            None,
        ),
        ("expected ',' or '}'", "a `,` or `}` is missing here", None),
        ("expected ',' or ']'", "a `,` or `]` is missing here", None),
        (
            "simple key expect",
            "a `:` is missing before this",
            Some("a key and its value are separated by `: `"),
        ),
        (
            "did not find expected key",
            "a key was expected here",
            Some("keys of one map begin in the same column"),
        ),
        (
            "did not find expected '-'",
            "a `-` was expected here",
            Some("items of one list begin in the same column"),
        ),
        (
            "invalid indentation in quoted",
            "this quoted text is not closed, or its next line is not indented",
            None,
        ),
        (
            "invalid indentation in flow",
            "this line is not indented, or a bracket above is not closed",
            None,
        ),
        (
            "invalid indentation",
            "the indentation fits nothing above",
            Some("look for a bracket or a quote above that is not closed"),
        ),
        (
            "unexpected character",
            "text can't begin with this character",
            Some("put it in quotes"),
        ),
        (
            "unknown escape character",
            "this escape is unknown in double quotes",
            Some("write `\\\\` for a backslash, or use single quotes"),
        ),
        (
            "the handle wasn't declared",
            "this tag means nothing here",
            Some("remove it, or quote text that begins with `!`"),
        ),
        (
            "recursion limit",
            "lists and maps are nested too deep here",
            None,
        ),
    ];
    known
        .iter()
        .find(|(part, ..)| info.contains(part))
        .map_or_else(
            || (format!("this is not valid YAML: {info}"), None),
            |&(_, message, hint)| (message.to_owned(), hint),
        )
}
