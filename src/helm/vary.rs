//! Whether a chart may render differently each time, by what its templates call. What can't be
//! looked into may.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use super::deploy::Helm;
use crate::files;
use crate::plan::Step;
use crate::runner::ports::DeployError;

/// A file of a chart is not read any further.
const LARGEST: u64 = 64 * 1024 * 1024;
/// What apart two times are that are told in seconds.
const SECOND: Duration = Duration::from_secs(1);
/// Functions whose results are others at another time (sprig `date.go`).
const TIME: [&str; 2] = ["now", "ago"];
/// Functions whose results are others each time: random ones, those with a salt, and the keys and
/// values of a map in Go's order, which is none (sprig `crypto.go`, `strings.go`, `dict.go`).
const RANDOM: [&str; 21] = [
    "bcrypt",
    "encryptAES",
    "genCA",
    "genCAWithKey",
    "genPrivateKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
    "getHostByName",
    "htpasswd",
    "keys",
    "randAlpha",
    "randAlphaNum",
    "randAscii",
    "randBytes",
    "randInt",
    "randNumeric",
    "shuffle",
    "uuidv4",
    "values",
];

/// Whether two renderings may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Vary {
    Never,
    EachTime,
    /// In another second, too.
    WithTime,
}

impl Helm {
    /// Returns true once it is time to render a release again that was rendered at this moment: in
    /// another second. False where its chart calls nothing that could make a difference.
    ///
    /// # Errors
    /// Its inputs can't be written down.
    pub async fn may_differ(&self, step: &Step, rendered: Instant) -> Result<bool, DeployError> {
        match self.may_vary(step)? {
            Vary::Never => return Ok(false),
            Vary::EachTime => {}
            Vary::WithTime => tokio::time::sleep_until(rendered + SECOND).await,
        }
        Ok(true)
    }

    fn may_vary(&self, step: &Step) -> Result<Vary, DeployError> {
        let (values, staged) = self.inputs(step)?;
        // Values may hold templates (`tpl`).
        let inputs = values
            .iter()
            .map(AsRef::as_ref)
            .chain([staged.path.as_path()]);
        Ok(inputs.map(of_path).max().unwrap_or(Vary::Never))
    }
}

fn of_path(path: &Path) -> Vary {
    let of_folder = || -> io::Result<Vary> {
        let mut found = Vary::Never;
        for entry in fs::read_dir(path)? {
            found = found.max(of_path(&entry?.path()));
        }
        Ok(found)
    };
    if path.is_dir() {
        return of_folder().unwrap_or(Vary::WithTime);
    }
    let is_archive = path.extension().is_some_and(|it| it == "tgz" || it == "gz");
    match files::read(path, LARGEST) {
        Ok(bytes) if !is_archive => of_text(&String::from_utf8_lossy(&bytes)),
        _ => Vary::WithTime,
    }
}

/// By the names in a template's actions, comments left out.
fn of_text(text: &str) -> Vary {
    let actions = text.split("{{").skip(1);
    let actions = actions.map(|it| it.split("}}").next().unwrap_or_default());
    let actions = actions.filter(|it| {
        !it.trim_start_matches(['-', ' ', '\t', '\n', '\r'])
            .starts_with("/*")
    });
    let words =
        actions.flat_map(|it| it.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '.'));
    let vary = |word: &str| match word {
        word if TIME.contains(&word) => Vary::WithTime,
        word if RANDOM.contains(&word) => Vary::EachTime,
        _ => Vary::Never,
    };
    words.map(vary).max().unwrap_or(Vary::Never)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_template_calls_decides() {
        let table = [
            ("a: {{ .Values.now }} now", Vary::Never),
            ("a: {{ .Values.keys }}", Vary::Never),
            ("{{- /* now: a comment */}}", Vary::Never),
            ("a: {{ randAlphaNum 8 | b64enc }}", Vary::EachTime),
            ("{{- $ca := genCA \"ca\" 365 -}}", Vary::EachTime),
            (
                "{{ (lookup \"v1\" \"Secret\" \"a\" \"b\").data }}",
                Vary::Never,
            ),
            ("{{ range (keys .Values.a) }}", Vary::EachTime),
            ("{{ randAlpha 4 }}{{ now | date \"2006\" }}", Vary::WithTime),
            ("{{now}}", Vary::WithTime),
        ];
        for (text, expected) in table {
            assert_eq!(of_text(text), expected, "{text}");
        }
    }

    #[test]
    fn every_file_counts_and_what_is_packed_may_do_anything() {
        let folder = tempfile::tempdir().unwrap();
        let chart = folder.path();
        let write = |file: &str, text: &str| {
            let file = chart.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        };
        write("templates/a.yaml", "a: {{ .Values.a }}");
        assert_eq!(of_path(chart), Vary::Never);
        write("charts/b/templates/_b.tpl", "{{ uuidv4 }}");
        assert_eq!(of_path(chart), Vary::EachTime);
        write("charts/c-1.0.0.tgz", "");
        assert_eq!(of_path(chart), Vary::WithTime);
    }
}
