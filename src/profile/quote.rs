/// The longest piece of a user's text that a message repeats, in characters.
const LONGEST: usize = 60;

/// Text in backticks, cut when it is long.
pub(super) fn quoted(text: &str) -> String {
    if text.chars().nth(LONGEST).is_none() {
        return format!("`{text}`");
    }
    let start: String = text.chars().take(LONGEST - 1).collect();
    format!("`{start}…`")
}

/// `` `a`, `b` and `c` ``
pub(super) fn quoted_list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut parts: Vec<String> = texts.into_iter().map(quoted).collect();
    match parts.pop() {
        None => String::new(),
        Some(last) if parts.is_empty() => last,
        Some(last) => format!("{} and {last}", parts.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_like_sentences() {
        assert_eq!(quoted_list(["a"]), "`a`");
        assert_eq!(quoted_list(["a", "b", "c"]), "`a`, `b` and `c`");
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(quoted(&"x".repeat(61)), format!("`{}…`", "x".repeat(59)));
    }
}
