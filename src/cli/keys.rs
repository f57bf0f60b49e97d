//! `og keys`: the keys of og's panes, as they are bound here.

use super::{args::Output, fail::Fail, out};
use crate::{text, ui};

/// Prints the table.
pub fn keys(output: Output) -> Result<u8, Fail> {
    let (keymap, problem) = ui::keys();
    if let Some(problem) = problem {
        out::note(format!("{problem}; these are the keys that hold"));
    }
    if output.json {
        out::json(&keymap.rows())?;
        return Ok(0);
    }
    let rows = || keymap.rows().iter();
    let keys_width = rows().map(|row| text::width(&row.keys.join(" "))).max().unwrap_or(0);
    let name_width = rows().map(|row| text::width(row.name)).max().unwrap_or(0);
    let mut scope = None;
    for row in rows() {
        if scope.replace(row.scope) != Some(row.scope) {
            out::line(format!("{}:", row.scope.title()))?;
        }
        out::line(format!("  {}  {}  {}", text::fit(&row.keys.join(" "), keys_width), text::fit(row.name, name_width), row.does))?;
    }
    Ok(0)
}
