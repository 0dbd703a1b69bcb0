//! A profile may name any path. But what lies in its tree and is a link to something outside of it
//! may have been put there by somebody who is not meant to have that.

use std::path::{Component, Path, PathBuf};

use super::place::Place;
use super::quote::quoted;
use super::report::Report;

/// The folder that links in it may not lead out of: the one that has `profiles`, else the
/// profile's own.
pub(super) fn root(profile: &Path) -> PathBuf {
    let own = normal(profile.parent().unwrap_or(Path::new("")));
    match own.file_name() {
        Some(name) if name == "profiles" => own.parent().map_or(own.clone(), Path::to_owned),
        _ => own,
    }
}

/// Reports a path that lies in the tree and leads out of it. Returns whether it does.
pub(super) fn lead_out(path: &Path, written: &str, place: Place, report: &mut Report) -> bool {
    let root = root(report.sources.profile());
    let Some(target) = outside(path, &root) else {
        return false;
    };
    let message = format!(
        "{} leads out of {} through a link, to {}",
        quoted(written),
        quoted(&root.display().to_string()),
        quoted(&target.display().to_string())
    );
    let diagnostic = report.error(place, message);
    diagnostic.hint("if that is meant, write the path that it leads to");
    true
}

/// Where a path leads to, if it looks as if it stayed in `root` and does not.
fn outside(path: &Path, root: &Path) -> Option<PathBuf> {
    if !normal(path).starts_with(root) {
        return None;
    }
    let (target, root) = (path.canonicalize().ok()?, root.canonicalize().ok()?);
    (!target.starts_with(root)).then_some(target)
}

/// Absolute and without `..`, links not followed.
fn normal(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(match path.as_os_str().is_empty() {
        true => Path::new("."),
        false => path,
    });
    let mut normal = PathBuf::new();
    for part in absolute.unwrap_or_else(|_| path.to_owned()).components() {
        match part {
            Component::ParentDir => drop(normal.pop()),
            Component::CurDir => {}
            part => normal.push(part),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_root_is_the_folder_with_the_profiles() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(root(Path::new("profiles/oro.yaml")), here);
        assert_eq!(root(Path::new("oro.yaml")), here);
        assert_eq!(root(Path::new("/a/b/../stack.yaml")), Path::new("/a"));
    }

    #[test]
    fn only_links_lead_out() {
        let folder = tempfile::tempdir().unwrap();
        let (root, other) = (folder.path().join("root"), folder.path().join("other"));
        fs::create_dir_all(root.join("values")).unwrap();
        fs::create_dir_all(&other).unwrap();
        fs::write(other.join("secret.yaml"), "").unwrap();
        fs::write(root.join("values/own.yaml"), "").unwrap();
        symlink(other.join("secret.yaml"), root.join("values/out.yaml")).unwrap();
        symlink(&other, root.join("folder")).unwrap();
        symlink("own.yaml", root.join("values/in.yaml")).unwrap();
        let leads_out = |path: &str| outside(&root.join(path), &root).is_some();
        assert!(leads_out("values/out.yaml"));
        assert!(leads_out("folder/secret.yaml"));
        assert!(!leads_out("values/own.yaml"));
        assert!(!leads_out("values/in.yaml"));
        assert!(!leads_out("../other/secret.yaml"), "as it is written");
    }
}
