use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::StageError;

/// Copies charts. Symbolic links become what they point at, as helm reads them, but none may lead
/// to what the chart's author can't be meant to have.
pub struct Copier {
    /// Links that lead in here are followed too.
    tree: Option<PathBuf>,
}

impl Copier {
    pub fn new(tree: &Path) -> Copier {
        Copier {
            tree: tree.canonicalize().ok(),
        }
    }

    /// Copies a chart's folder, without `.git`.
    pub fn copy(&self, chart: &Path, to: &Path) -> Result<(), StageError> {
        let failed = |error| StageError::Copy {
            chart: chart.to_owned(),
            error,
        };
        let root = chart.canonicalize().map_err(failed)?;
        self.folder(&root, chart, to, &mut vec![root.clone()], &failed)
    }

    /// `above` are the folders on the way here, by their real paths.
    fn folder(
        &self,
        root: &Path,
        from: &Path,
        to: &Path,
        above: &mut Vec<PathBuf>,
        failed: &dyn Fn(io::Error) -> StageError,
    ) -> Result<(), StageError> {
        fs::create_dir_all(to).map_err(failed)?;
        for entry in fs::read_dir(from).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if name == ".git" {
                continue;
            }
            let (source, target) = (entry.path(), to.join(&name));
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_symlink() {
                self.check(root, &source)?;
            }
            if !source.is_dir() {
                fs::copy(&source, &target).map_err(failed)?;
                continue;
            }
            let real = source.canonicalize().map_err(failed)?;
            if above.contains(&real) {
                return Err(StageError::LinksToItself { link: source });
            }
            above.push(real);
            self.folder(root, &source, &target, above, failed)?;
            above.pop();
        }
        Ok(())
    }

    fn check(&self, root: &Path, link: &Path) -> Result<(), StageError> {
        let Ok(target) = link.canonicalize() else {
            return Err(StageError::LinksToNothing {
                link: link.to_owned(),
            });
        };
        let is_in_tree = self.tree.as_ref().is_some_and(|it| target.starts_with(it));
        if is_in_tree || target.starts_with(root) {
            return Ok(());
        }
        Err(StageError::LeadsOut {
            link: link.to_owned(),
            target,
        })
    }
}
