//! `og skill`: the text that teaches an agent to use og, as it was when this og was built.

use super::{args::SkillVerb, fail::Fail, out};
use std::{fs, path::PathBuf};

/// The skill.
const SKILL: &str = include_str!("../../skills/og/SKILL.md");

/// Prints or installs it.
pub fn skill(verb: SkillVerb) -> Result<u8, Fail> {
    match verb {
        SkillVerb::Print => out::text(SKILL)?,
        SkillVerb::Install { dir } => {
            let dir = dir.unwrap_or_else(|| PathBuf::from(".claude/skills")).join("og");
            let path = dir.join("SKILL.md");
            let written = fs::create_dir_all(&dir).and_then(|()| fs::write(&path, SKILL));
            written.map_err(|error| Fail::of("skill", &error, None).about(format!("cannot write {}", path.display())))?;
            out::line(path.display())?;
        }
    }
    Ok(0)
}
