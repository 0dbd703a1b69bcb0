//! YAML as helm takes it. helm's parser is laxer than ours about tabs between brackets and about
//! comments that touch what stands before them; a space there says the same to both.

use std::borrow::Cow;

use granit_parser::{ErrorKind, Parser, ScanError, Scanner, StrInput, TokenType};

/// How often a text is read; each time costs as much as the first.
const READINGS: usize = 500;

/// The text with a space wherever our parsers stop and helm's goes on. Its lines stay where they are.
pub fn lenient(text: &str) -> Cow<'_, str> {
    let mut lenient = Cow::Borrowed(text);
    for _ in 0..READINGS {
        let error = Parser::new_from_str(&lenient).find_map(Result::err);
        match error.and_then(|error| mended(&lenient, &error)) {
            Some(mended) => lenient = Cow::Owned(mended),
            None => break,
        }
    }
    lenient
}

/// None where helm's parser stops there too.
fn mended(text: &str, error: &ScanError) -> Option<String> {
    let at = error.marker().byte_offset()?;
    let (before, after) = (text.get(..at)?, text.get(at..)?);
    match error.kind() {
        ErrorKind::CommentNotSeparated => Some(format!("{before} {after}")),
        ErrorKind::TabInBlockIndentation => {
            let line = before.rfind('\n').map_or(0, |end| end + 1);
            let (above, indentation) = before.split_at(line);
            let spaces = indentation.replace('\t', " ");
            let helps = spaces != indentation && is_in_brackets(above);
            helps.then(|| format!("{above}{spaces}{after}"))
        }
        _ => None,
    }
}

/// Whether a bracket is open at the end of a text.
fn is_in_brackets(text: &str) -> bool {
    let tokens = Scanner::new(StrInput::new(text)).map_while(Result::ok);
    let deeper = tokens.map(|token| match token.into_parts().1 {
        TokenType::FlowSequenceStart | TokenType::FlowMappingStart => 1,
        TokenType::FlowSequenceEnd | TokenType::FlowMappingEnd => -1,
        _ => 0,
    });
    deeper.sum::<i64>() > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_helm_takes_is_mended() {
        for (text, mended) in [
            ("a: [\n\tb,\n\t\tc\n]", "a: [\n b,\n\t\tc\n]"),
            ("a: {b: |-}\n", "a: {b: |-}\n"),
            ("a: |# c\n  \t# text\n", "a: | # c\n  \t# text\n"),
            ("a: [b]#c", "a: [b] #c"),
            ("a: b#c", "a: b#c"),
            ("a:\n\tb: c", "a:\n\tb: c"),
            ("a: [b]\nc:\n\td: e", "a: [b]\nc:\n\td: e"),
        ] {
            assert_eq!(lenient(text), mended, "{text:?}");
        }
    }
}
