/// The candidate that was probably meant by `written`, if any is close enough to say so.
pub(super) fn nearest<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let written = simplified(written);
    let length = written.chars().count();
    if !(1..=100).contains(&length) {
        return None;
    }
    candidates
        .into_iter()
        .map(|candidate| {
            let distance = strsim::osa_distance(&written, &simplified(candidate));
            (distance, candidate)
        })
        .filter(|&(distance, candidate)| distance <= length.max(candidate.chars().count()) / 3)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Upper case, `_` and `-` are mixed up more often than letters.
fn simplified(text: &str) -> String {
    text.to_lowercase().replace(['_', '-'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_understood_and_strangers_are_not() {
        let ids = ["php-fpm", "mail", "webserver", "websocket"];
        let table = [
            ("phpfpm", Some("php-fpm")),
            ("PHP_FPM", Some("php-fpm")),
            ("php-fmp", Some("php-fpm")),
            ("webservre", Some("webserver")),
            ("mial", Some("mail")),
            ("database", None),
            ("", None),
        ];
        for (written, expected) in table {
            assert_eq!(nearest(written, ids), expected, "`{written}`");
        }
    }
}
