//! A run that another tool wrote: what its tracker says of it, in the words of `run.json`.

use super::{Parent, RunInfo};
use crate::{model::WallTime, source::RunRef};
use serde_json::Value;
use std::{collections::BTreeMap, path::Path};

/// What is known of a foreign run at `path` from its tracker's remarks, and from the list of runs that `run` was chosen
/// from. Unknown things stay empty.
pub(super) fn info(path: &Path, run: Option<&RunRef>, remarks: &BTreeMap<String, Value>) -> RunInfo {
    let text = |name: &str| remarks.get(name).and_then(Value::as_str).map(str::to_owned);
    let texts = |name: &str| -> Vec<String> {
        let list = remarks.get(name).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let own_name = match run {
        Some(run) => run.name.clone(),
        None => path.file_name().map_or_else(|| "run".into(), |name| name.to_string_lossy().into_owned()),
    };
    let own_id = run.map_or_else(|| own_name.clone(), |run| run.id.clone());
    let started = remarks.get("start_time").or_else(|| remarks.get("started_at")).and_then(Value::as_f64);
    RunInfo {
        id: text("run_id").unwrap_or(own_id),
        name: text("name").or_else(|| text("run_id")).unwrap_or(own_name),
        project: text("project").or_else(|| run.and_then(|run| run.project.clone())),
        group: text("group"),
        tags: texts("tags").into_iter().map(|tag| (tag, String::new())).collect(),
        notes: text("notes").unwrap_or_default(),
        command: text("program").into_iter().chain(texts("args")).collect(),
        host: text("host"),
        started_at: started.and_then(WallTime::new).or(run.and_then(|run| run.started)),
        git: text("git_commit").map(|sha| super::Git { sha, dirty: false }),
        parent: remarks.get("branch_point").and_then(parent),
        ..RunInfo::default()
    }
}

/// The run that this one was forked from, and the step at which it left it.
fn parent(branch_point: &Value) -> Option<Parent> {
    let step = branch_point.get("value").and_then(Value::as_f64).filter(|_| branch_point["metric"] == "_step");
    Some(Parent { run: branch_point.get("run")?.as_str()?.to_owned(), checkpoint: None, step: step.map(|step| step as i64) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_tracker_names_its_run_and_a_bare_log_has_the_name_of_its_file() {
        let remarks = json!({"run_id": "x1", "name": "bright-sun-3", "project": "lm", "tags": ["a"], "start_time": 5.5, "program": "t.py", "args": ["--lr", "1"]});
        let remarks = remarks.as_object().unwrap().clone().into_iter().collect();
        let info = super::info(Path::new("/d/wandb/run-1-x1"), None, &remarks);
        assert_eq!((info.id.as_str(), info.name.as_str(), info.project.as_deref()), ("x1", "bright-sun-3", Some("lm")));
        assert_eq!((info.command.join(" "), info.started_at), ("t.py --lr 1".to_string(), WallTime::new(5.5)));
        let forked =
            json!({"branch_point": {"run": "x0", "metric": "_step", "value": 49.0}}).as_object().unwrap().clone().into_iter().collect();
        let parent = super::info(Path::new("/d/run"), None, &forked).parent.unwrap();
        assert_eq!((parent.run.as_str(), parent.step), ("x0", Some(49)));
        let bare = super::info(Path::new("/d/train.log"), None, &BTreeMap::new());
        assert_eq!((bare.id.as_str(), bare.name.as_str(), bare.project), ("train.log", "train.log", None));
    }
}
