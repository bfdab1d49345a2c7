//! What verbs print. Owns standard output and the form of tables; a reader that has gone (`| head`) ends a verb quietly.

use std::fmt;
use std::io::{self, ErrorKind, Write};

use anyhow::{Context, Result};

/// Nobody reads standard output any more.
#[derive(Debug)]
pub(crate) struct NobodyReads;

impl fmt::Display for NobodyReads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody reads the output")
    }
}

impl std::error::Error for NobodyReads {}

/// Writes text to standard output at once.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(NobodyReads.into()),
        Err(error) => Err(error).context("write to standard output"),
    }
}

/// Writes a line for people to standard error. Where nobody can read it, the exit code has to do.
pub(crate) fn warn(line: &str) {
    let _ = writeln!(io::stderr(), "valkyard: {line}");
}

/// Gap between two columns.
const GAP: usize = 2;

/// Rows of text under a header, columns as wide as their widest cell; nothing follows the last cell of a row.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let header: Vec<String> = header.iter().map(|title| (*title).to_owned()).collect();
    let lines: Vec<&Vec<String>> = std::iter::once(&header).chain(rows).collect();
    let width = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..header.len()).map(|column| width(column).unwrap_or(0) + GAP).collect();
    let mut text = String::new();
    for line in lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        text.push_str(cells.collect::<String>().trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["n0".to_owned(), "primary".to_owned()], vec!["n10".to_owned(), String::new()]];
        assert_eq!(table(&["NODE", "ROLE"], &rows), "NODE  ROLE\nn0    primary\nn10\n");
    }
}
