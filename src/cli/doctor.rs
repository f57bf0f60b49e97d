//! `og doctor`: whether this machine has what og needs; with a run, where what is known of it comes from.

mod machine;
mod sources;

use super::{
    args::DoctorArgs,
    fail::{EXIT_FAILED, Fail},
    out,
};
use serde_json::json;

/// One thing that was looked at.
#[derive(Clone, PartialEq, Debug)]
struct Finding {
    /// What.
    name: &'static str,
    state: Health,
    /// What was found.
    said: String,
    /// What to do, where something should be done.
    hint: Option<String>,
}

/// How good a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Health {
    Ok,
    /// It works, but worse than it could.
    Warn,
    /// Something cannot work.
    Bad,
}

impl Health {
    fn as_str(self) -> &'static str {
        match self {
            Health::Ok => "ok",
            Health::Warn => "warn",
            Health::Bad => "bad",
        }
    }
}

impl Finding {
    fn ok(name: &'static str, said: impl Into<String>) -> Finding {
        Finding { name, state: Health::Ok, said: said.into(), hint: None }
    }

    fn warn(name: &'static str, said: impl Into<String>, hint: impl Into<String>) -> Finding {
        Finding { name, state: Health::Warn, said: said.into(), hint: Some(hint.into()) }
    }

    fn bad(name: &'static str, said: impl Into<String>, hint: Option<String>) -> Finding {
        Finding { name, state: Health::Bad, said: said.into(), hint }
    }
}

/// `og doctor [RUN]`.
pub fn doctor(args: &DoctorArgs) -> Result<u8, Fail> {
    if let Some(run) = &args.run {
        return sources::sources(run, args);
    }
    let findings = machine::look(&args.store);
    let worst = findings.iter().map(|finding| finding.state).max().unwrap_or(Health::Ok);
    if args.output.json {
        let all = findings.iter().map(|f| json!({"name": f.name, "state": f.state.as_str(), "said": f.said, "hint": f.hint}));
        out::json(&json!({"findings": all.collect::<Vec<_>>(), "state": worst.as_str()}))?;
    } else {
        let mut text = String::new();
        for Finding { name, state, said, hint } in &findings {
            text.push_str(&format!("{:<5}{name:<10}{said}\n", state.as_str()));
            if let Some(hint) = hint {
                text.push_str(&format!("{:15}hint: {hint}\n", ""));
            }
        }
        out::text(&text)?;
    }
    Ok(if worst == Health::Bad { EXIT_FAILED } else { 0 })
}
