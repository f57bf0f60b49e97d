//! `og keys`: the keys of og's panes, as they are bound here.

use super::{args::Output, fail::Fail, out};
use crate::{text, ui};

/// Prints the table.
pub fn keys(output: Output) -> Result<u8, Fail> {
    let (keymap, problem) = ui::keys();
    if let Some(problem) = problem {
        out::note(format!("{problem}; these are the keys as they come"));
    }
    if output.json {
        out::json(&keymap.rows())?;
        return Ok(0);
    }
    let width = keymap.rows().iter().map(|row| text::width(&row.keys.join(" "))).max().unwrap_or(0);
    let mut scope = None;
    for row in keymap.rows() {
        if scope.replace(row.scope) != Some(row.scope) {
            out::line(format!("{}:", row.scope.title()))?;
        }
        out::line(format!("  {}  {}  {}", text::fit(&row.keys.join(" "), width), text::fit(row.name, 16), row.does))?;
    }
    Ok(0)
}
