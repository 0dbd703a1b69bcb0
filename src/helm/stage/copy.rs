use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::StageError;
use super::allowance::Allowance;

/// Copies charts. Symbolic links become what they point at, as helm reads them, but none may lead
/// to what the chart's author can't be meant to have.
pub struct Copier {
    /// Links that lead in here are followed too.
    tree: Option<PathBuf>,
    allowance: Allowance,
}

impl Copier {
    pub fn new(tree: &Path, allowance: Allowance) -> Copier {
        Copier {
            tree: tree.canonicalize().ok(),
            allowance,
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

    /// Copies a packaged chart.
    pub fn archive(&self, archive: &Path, folder: &Path, to: &Path) -> Result<(), StageError> {
        self.allowance.folder(folder)?;
        self.allowance.file(archive, to)
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
        self.allowance.folder(to)?;
        for entry in fs::read_dir(from).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if name == ".git" {
                continue;
            }
            let (source, target) = (entry.path(), to.join(&name));
            let kind = entry.file_type().map_err(failed)?;
            let linked = match kind.is_symlink() {
                true => self.linked_chart(root, from, &source)?,
                false => None,
            };
            if !source.is_dir() {
                self.allowance.file(&source, &target)?;
                continue;
            }
            let real = source.canonicalize().map_err(failed)?;
            if above.contains(&real) {
                return Err(StageError::LinksToItself { link: source });
            }
            above.push(real);
            let root = linked.as_deref().unwrap_or(root);
            self.folder(root, &source, &target, above, failed)?;
            above.pop();
        }
        Ok(())
    }

    /// Whether a link may be followed, and where to if that is to another chart. One in `charts` says
    /// what a dependency from `file://` says, and may lead as far.
    fn linked_chart(
        &self,
        root: &Path,
        folder: &Path,
        link: &Path,
    ) -> Result<Option<PathBuf>, StageError> {
        let Ok(target) = link.canonicalize() else {
            return Err(StageError::LinksToNothing {
                link: link.to_owned(),
            });
        };
        let is_chart = |folder: &Path| folder.join("Chart.yaml").is_file();
        let holds_charts = folder.ends_with("charts") && folder.parent().is_some_and(is_chart);
        if holds_charts && is_chart(&target) {
            return Ok(Some(target));
        }
        let is_in_tree = self.tree.as_ref().is_some_and(|it| target.starts_with(it));
        if is_in_tree || target.starts_with(root) {
            return Ok(None);
        }
        Err(StageError::LeadsOut {
            link: link.to_owned(),
            target,
        })
    }
}
