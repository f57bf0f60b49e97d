//! Which files are checkpoints, and of which step, by their names.

use std::path::{Path, PathBuf};

/// Endings of files of weights. Source: what PyTorch, Lightning, Hugging Face, Keras and Flax write.
const ENDINGS: &[&str] = &["pt", "pth", "ckpt", "safetensors", "keras", "h5", "msgpack"];

/// Folders in which any file with a number in its name is a checkpoint.
const FOLDERS: &[&str] = &["checkpoint", "checkpoints", "ckpt", "ckpts", "snapshots", "weights"];

/// Endings that no checkpoint has, also in these folders.
const OTHERS: &[&str] = &["csv", "db", "jsonl", "lock", "log", "png", "tmp", "tsv", "txt", "wandb", "yaml"];

/// Words before the number of a folder that is one checkpoint: `checkpoint-500`, `global_step500`.
const STEPPED: &[&str] = &["checkpoint", "ckpt", "epoch", "global_step", "iter", "step"];

/// The checkpoint that a file is, or is part of.
pub(super) fn checkpoint_of(file: &Path) -> Option<PathBuf> {
    let name = file.file_name()?.to_str()?;
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    if OTHERS.contains(&ending) || ending.contains("tfevents") {
        return None;
    }
    let folder = file.parent()?;
    let folder_name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_one = STEPPED.iter().any(|word| {
        let number = folder_name.strip_prefix(word).map(|rest| rest.trim_start_matches(['-', '_', '=']));
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    });
    if is_one {
        return Some(folder.to_owned());
    }
    let is_numbered = FOLDERS.contains(&folder_name) && name.bytes().any(|b| b.is_ascii_digit());
    (ENDINGS.contains(&ending) || is_numbered).then(|| file.to_owned())
}

/// The step that the name of a checkpoint says: the number behind `step`, else the only number, unless that counts epochs.
pub(super) fn step_of(checkpoint: &Path) -> Option<i64> {
    let name = checkpoint.file_name()?.to_str()?;
    let stem = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)?.strip_suffix('.')).unwrap_or(name);
    let stem = stem.strip_suffix(".json").unwrap_or(stem).to_lowercase();
    let numbers = |text: &'_ str| -> Vec<String> {
        text.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty()).map(str::to_owned).collect()
    };
    if let Some((_, behind)) = stem.split_once("step") {
        return numbers(behind).first()?.parse().ok();
    }
    let mut runs = numbers(&stem).into_iter();
    match (runs.next(), runs.next()) {
        (Some(only), None) if !stem.contains("epoch") => only.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn checkpoints_are_known_by_their_names() {
        for (file, checkpoint, step) in [
            ("out/ckpt.pt", Some("out/ckpt.pt"), None),
            ("model_000500.pth", Some("model_000500.pth"), Some(500)),
            ("l/checkpoints/epoch=3-step=600.ckpt", Some("l/checkpoints/epoch=3-step=600.ckpt"), Some(600)),
            ("l/epoch=3.ckpt", Some("l/epoch=3.ckpt"), None),
            ("r/checkpoint-500/optimizer.pt", Some("r/checkpoint-500"), Some(500)),
            ("r/checkpoint-500/trainer_state.json", Some("r/checkpoint-500"), Some(500)),
            ("r/global_step20/mp_rank_00_model_states.pt", Some("r/global_step20"), Some(20)),
            ("checkpoints/step-001000.json", Some("checkpoints/step-001000.json"), Some(1000)),
            ("checkpoints/step-001000.json.tmp", None, None),
            ("checkpoints/notes.json", None, None),
            ("runs/events.out.tfevents.17.host", None, None),
            ("train.py", None, None),
            ("results.json", None, None),
        ] {
            let found = checkpoint_of(Path::new(file));
            assert_eq!(found.as_deref(), checkpoint.map(Path::new), "{file}");
            assert_eq!(found.as_deref().and_then(step_of), step, "{file}");
        }
    }

    proptest! {
        #[test]
        fn no_name_panics(name in "\\PC{0,30}") {
            let path = Path::new("checkpoints").join(&name);
            checkpoint_of(&path).as_deref().map(step_of);
        }
    }
}
