use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::quote::{quoted, quoted_list};
use super::suggest::nearest;

/// The environment variable that names the profile when `--profile` doesn't.
pub const VARIABLE: &str = "STACKCTL_PROFILE";

/// The folder that profiles live in, here or in a parent folder.
const FOLDER: &str = "profiles";

/// Why no profile was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct LocateError {
    /// A lower-case fragment, one line.
    pub message: String,
    /// What to do about it, each one line, without the `hint:` in front.
    pub hints: Vec<String>,
}

/// Reads a variable of the process; the one place where a profile's environment comes from.
pub fn process_environment(variable: &str) -> Option<OsString> {
    std::env::var_os(variable)
}

/// Finds the profile that `flag` means: a path, or the name of a file in the nearest
/// `profiles` folder from `cwd` upwards that has it. Without a flag `$STACKCTL_PROFILE` is
/// read the same way; without both it is the only profile of the nearest such folder.
///
/// What lies below `cwd` comes back relative to it, because that reads better.
///
/// # Errors
/// When there is no such file, or more than one to choose from.
pub fn locate(
    flag: Option<&str>,
    cwd: &Path,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<PathBuf, LocateError> {
    if let Some(wanted) = flag {
        return find(wanted, "`--profile`", cwd);
    }
    match environment(VARIABLE).filter(|value| !value.is_empty()) {
        Some(wanted) => match wanted.to_str() {
            Some(wanted) => find(wanted, "`$STACKCTL_PROFILE`", cwd),
            None => Err(failure("`$STACKCTL_PROFILE` is not UTF-8".to_owned(), None)),
        },
        None => the_only_one(cwd),
    }
}

fn find(wanted: &str, origin: &str, cwd: &Path) -> Result<PathBuf, LocateError> {
    if wanted.is_empty() {
        return Err(failure(format!("{origin} is empty"), None));
    }
    if wanted.contains(['/', '\\']) || is_profile(Path::new(wanted)) {
        return match cwd.join(wanted) {
            path if path.is_dir() => Err(failure(
                format!("{} is a folder, not a profile", quoted(wanted)),
                Some("name a file in it".to_owned()),
            )),
            path if path.exists() => Ok(PathBuf::from(wanted)),
            _ => Err(failure(
                format!("there is no profile at {}", quoted(wanted)),
                None,
            )),
        };
    }
    for ancestor in cwd.ancestors() {
        for extension in ["yaml", "yml"] {
            let path = ancestor.join(FOLDER).join(format!("{wanted}.{extension}"));
            if path.is_file() {
                return Ok(shortened(path, cwd));
            }
        }
    }
    let names: Vec<String> = nearest_profiles(cwd).iter().filter_map(stem).collect();
    let all = || names.iter().map(String::as_str);
    let hint = match (nearest(wanted, all()), names.len()) {
        (Some(name), _) => format!("did you mean `{name}`?"),
        (None, 1) => format!("there is only {}", quoted_list(all())),
        (None, 2..) => format!("there are {}", quoted_list(all())),
        (None, 0) => {
            format!("a profile is a file `{FOLDER}/{wanted}.yaml` here or in a parent folder")
        }
    };
    Err(failure(
        format!("there is no profile {}", quoted(wanted)),
        Some(hint),
    ))
}

fn the_only_one(cwd: &Path) -> Result<PathBuf, LocateError> {
    match nearest_profiles(cwd).as_slice() {
        [] => Err(failure(
            "there is no profile here or in a parent folder".to_owned(),
            Some(format!(
                "write `{FOLDER}/NAME.yaml`, or name a file with `--profile PATH`"
            )),
        )),
        [only] => Ok(shortened(only.clone(), cwd)),
        several => {
            let names: Vec<String> = several.iter().filter_map(stem).collect();
            let message = format!("there are {} profiles to choose from", several.len());
            let names = quoted_list(names.iter().map(String::as_str));
            Err(failure(
                message,
                Some(format!("choose with `--profile NAME`: {names}")),
            ))
        }
    }
}

/// The profiles of the nearest `profiles` folder that has any, sorted.
fn nearest_profiles(cwd: &Path) -> Vec<PathBuf> {
    let folders = cwd.ancestors().map(|ancestor| ancestor.join(FOLDER));
    let mut lists = folders.filter_map(|folder| {
        let entries = folder.read_dir().ok()?.flatten();
        let mut files: Vec<PathBuf> = entries
            .map(|entry| entry.path())
            .filter(|path| is_profile(path) && path.is_file())
            .collect();
        files.sort();
        Some(files)
    });
    lists.find(|files| !files.is_empty()).unwrap_or_default()
}

fn is_profile(path: &Path) -> bool {
    path.extension()
        .is_some_and(|it| it == "yaml" || it == "yml")
}

fn stem(path: impl AsRef<Path>) -> Option<String> {
    Some(path.as_ref().file_stem()?.to_string_lossy().into_owned())
}

fn shortened(path: PathBuf, cwd: &Path) -> PathBuf {
    path.strip_prefix(cwd).map(Path::to_owned).unwrap_or(path)
}

fn failure(message: String, hint: Option<String>) -> LocateError {
    LocateError {
        message,
        hints: hint.into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with empty files in it, and the folder below it to look from.
    fn tree(files: &[&str], cwd: &str) -> (tempfile::TempDir, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let cwd = root.path().join(cwd);
        std::fs::create_dir_all(&cwd).unwrap();
        (root, cwd)
    }

    const SHOP: &[&str] = &[
        "profiles/oro.yaml",
        "profiles/order-food.yml",
        "profiles/values/oro.yaml",
        "profiles/README.md",
        "app/profiles/app.yaml",
        "other.yaml",
    ];

    /// What is found in `SHOP`, its root written as `ROOT`, or the error with its hints.
    fn found(flag: Option<&str>, variable: Option<&str>, cwd: &str) -> String {
        let (root, cwd) = tree(SHOP, cwd);
        let environment = |name: &str| {
            assert_eq!(name, VARIABLE);
            variable.map(OsString::from)
        };
        match locate(flag, &cwd, environment) {
            Ok(path) => {
                let root = root.path().display().to_string();
                path.display().to_string().replace(&root, "ROOT")
            }
            Err(error) => format!("{error}; {}", error.hints.join("; ")),
        }
    }

    #[test]
    fn a_name_is_looked_for_upwards() {
        let table = [
            ("oro", "", "profiles/oro.yaml"),
            ("order-food", "", "profiles/order-food.yml"),
            ("oro", "app/src", "ROOT/profiles/oro.yaml"),
            ("app", "app/src", "ROOT/app/profiles/app.yaml"),
            ("oto", "", "there is no profile `oto`; did you mean `oro`?"),
            (
                "shop",
                "",
                "there is no profile `shop`; there are `order-food` and `oro`",
            ),
        ];
        for (name, cwd, expected) in table {
            assert_eq!(found(Some(name), None, cwd), expected);
        }
    }

    #[test]
    fn a_single_profile_is_no_plural() {
        let (_root, cwd) = tree(&["profiles/oro.yaml"], "");
        let error = locate(Some("shop"), &cwd, |_| None).unwrap_err();
        assert_eq!(error.hints, ["there is only `oro`"]);
    }

    #[test]
    fn a_path_is_taken_as_it_is() {
        let table = [
            ("other.yaml", "", "other.yaml"),
            ("../profiles/oro.yaml", "app", "../profiles/oro.yaml"),
            ("oro.yaml", "", "there is no profile at `oro.yaml`; "),
            (
                "./profiles",
                "",
                "`./profiles` is a folder, not a profile; name a file in it",
            ),
            ("", "", "`--profile` is empty; "),
        ];
        for (path, cwd, expected) in table {
            assert_eq!(found(Some(path), None, cwd), expected);
        }
    }

    #[test]
    fn the_variable_counts_only_without_a_flag() {
        assert_eq!(found(None, Some("oro"), ""), "profiles/oro.yaml");
        assert_eq!(
            found(Some("order-food"), Some("oro"), ""),
            "profiles/order-food.yml"
        );
    }

    #[test]
    fn without_a_word_the_only_profile_is_meant() {
        assert_eq!(
            found(None, Some(""), "app/src"),
            "ROOT/app/profiles/app.yaml"
        );
        assert_eq!(
            found(None, None, ""),
            "there are 2 profiles to choose from; choose with `--profile NAME`: `order-food` and `oro`"
        );
    }

    #[test]
    fn where_there_is_none_it_says_where_one_would_be() {
        let (_root, cwd) = tree(&[], "");
        let error = locate(Some("oro"), &cwd, |_| None).unwrap_err();
        assert_eq!(
            error.hints,
            ["a profile is a file `profiles/oro.yaml` here or in a parent folder"]
        );
        let error = locate(None, &cwd, |_| None).unwrap_err();
        assert_eq!(
            error.hints,
            ["write `profiles/NAME.yaml`, or name a file with `--profile PATH`"]
        );
    }
}
