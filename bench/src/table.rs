//! Results: as text on stdout, and between marks in docs/benchmarks.md.

use std::path::Path;

use anyhow::{Context, Result};

use crate::output::say;

/// One answer of a part.
#[derive(Debug, Clone)]
pub struct Table {
    /// Also the name of its marks on the page.
    pub name: &'static str,
    pub columns: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(name: &'static str, columns: &[&'static str]) -> Table {
        Table {
            name,
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    /// Returns it in columns.
    pub fn text(&self) -> String {
        let head: Vec<String> = self.columns.iter().map(|&c| c.to_owned()).collect();
        let all: Vec<&Vec<String>> = std::iter::once(&head).chain(&self.rows).collect();
        let width = |column: usize| {
            let cells = all.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let mut text = format!("{}\n", self.name);
        for row in all {
            let cells = row.iter().zip(&widths);
            let cells: Vec<String> = cells
                .map(|(cell, &width)| format!("{cell:<width$}"))
                .collect();
            text += &format!("  {}\n", cells.join("  ").trim_end());
        }
        text
    }

    /// Returns it as Markdown.
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let head: Vec<String> = self.columns.iter().map(|&c| c.to_owned()).collect();
        let rule = vec!["---".to_owned(); head.len()];
        let rows = self.rows.iter().map(|row| line(row));
        [line(&head), line(&rule)].into_iter().chain(rows).collect()
    }
}

/// Writes tables to docs/benchmarks.md, each with the line that tells how it was made.
///
/// # Errors
/// The page can't be read or written, or has no marks for one of them.
pub fn update(tables: &[Table], made_by: &str) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let file = root.join("docs/benchmarks.md");
    let mut page = std::fs::read_to_string(&file).context("reading docs/benchmarks.md")?;
    for table in tables {
        let text = format!("{}\n{made_by}\n", table.markdown());
        page = replaced(&page, table.name, &text)?;
    }
    std::fs::write(&file, page).context("writing docs/benchmarks.md")?;
    say("docs/benchmarks.md has the figures");
    Ok(())
}

/// Returns the page with other text between the marks of a table.
fn replaced(page: &str, name: &str, text: &str) -> Result<String> {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let marked = page.split_once(&begin).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(&end)?;
        Some((before, after))
    });
    let (before, after) =
        marked.with_context(|| format!("docs/benchmarks.md has no marks for `{name}`"))?;
    Ok(format!("{before}{begin}\n{text}\n{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new("chains", &["tool", "time"]);
        table.row(["stackctl".to_owned(), "9.1 s".to_owned()]);
        table.row(["helm".to_owned(), "17.0 s".to_owned()]);
        table
    }

    #[test]
    fn text_stands_in_columns() {
        let expected = "chains\n  tool      time\n  stackctl  9.1 s\n  helm      17.0 s\n";
        assert_eq!(table().text(), expected);
    }

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let page =
            "# Page\n<!-- chains -->\nold\n<!-- /chains -->\nrest\n<!-- calm -->\n<!-- /calm -->\n";
        let new = replaced(page, "chains", &table().markdown()).unwrap();
        let expected = "# Page\n<!-- chains -->\n\n| tool | time |\n| --- | --- |\n| stackctl | 9.1 s |\n| helm | 17.0 s |\n\n<!-- /chains -->\nrest\n<!-- calm -->\n<!-- /calm -->\n";
        assert_eq!(new, expected);
        assert_eq!(replaced(&new, "chains", &table().markdown()).unwrap(), new);
    }

    #[test]
    fn a_part_without_marks_is_an_error() {
        let error = replaced("# Page\n", "tree", "").unwrap_err();
        assert!(error.to_string().contains("`tree`"), "{error}");
    }

    #[test]
    fn the_page_has_marks_for_every_part() {
        use clap::ValueEnum;
        let page = include_str!("../../docs/benchmarks.md");
        for part in crate::parts::Part::value_variants() {
            for name in part.tables() {
                replaced(page, name, "").unwrap();
            }
        }
    }
}
