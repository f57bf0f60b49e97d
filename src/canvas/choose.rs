//! Which canvas a command means, when several live.

use super::io::{Known, Life};

/// Where the command was typed, when that is inside tmux.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Here {
    /// Pane of the command, e.g. `%3`.
    pub pane: String,
    /// Window of that pane, when tmux was asked for it.
    pub window: Option<String>,
}

/// No canvas, or more than one, fits.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ChooseError {
    /// None lives.
    #[error("no canvas is running")]
    None,
    /// None has this name or id.
    #[error("no canvas is called `{asked}`")]
    Unknown {
        /// What was asked for.
        asked: String,
        /// Those that live, as `name (id)`.
        live: Vec<String>,
    },
    /// It was one, but it has ended.
    #[error("the canvas `{asked}` has ended")]
    Ended {
        /// What was asked for.
        asked: String,
    },
    /// Several fit.
    #[error("{} canvases fit: {}", .0.len(), .0.join(", "))]
    Several(Vec<String>),
}

impl ChooseError {
    /// What to do.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            ChooseError::None => "start one with `og run train.py`, or look at a run with `og canvas spawn review --run PATH`".into(),
            ChooseError::Unknown { live, .. } if live.is_empty() => "no canvas is running; start one with `og run train.py`".into(),
            ChooseError::Unknown { live, .. } => format!("running: {}", live.join(", ")),
            ChooseError::Ended { asked } => format!("its run is kept; look at it with `og canvas spawn review --run {asked}`"),
            ChooseError::Several(_) => "say which with `--canvas NAME` (or its id)".into(),
        })
    }
}

/// The canvas that a command means: the one `asked` for by name or id; else the one that the command was typed in; else
/// the one in that window; else the only one that lives near (`is_near`: in the store of this folder); else the only one
/// that lives anywhere. One that was closed, or of which nothing but panes is left, is meant only where no other fits.
pub fn choose<'a>(
    asked: Option<&str>,
    here: Option<&Here>,
    known: &'a [Known],
    is_near: impl Fn(&Known) -> bool,
) -> Result<&'a Known, ChooseError> {
    let live: Vec<&Known> = known.iter().filter(|canvas| canvas.life != Life::Ended).collect();
    if let Some(asked) = asked {
        let fits = |canvas: &&Known| canvas.state.name == asked || canvas.state.id == asked;
        let mut fit: Vec<&Known> = live.iter().copied().filter(fits).collect();
        if fit.len() > 1 && fit.iter().any(|canvas| is_near(canvas)) {
            fit.retain(|canvas| is_near(canvas));
        }
        fit = most_alive(fit);
        return match fit.as_slice() {
            [one] => Ok(one),
            [] if known.iter().any(|canvas| fits(&canvas)) => Err(ChooseError::Ended { asked: asked.to_string() }),
            [] => Err(ChooseError::Unknown { asked: asked.to_string(), live: labels(&live) }),
            _ => Err(ChooseError::Several(labels(&fit))),
        };
    }
    if let Some(here) = here {
        if let Some(own) = live.iter().find(|canvas| canvas.state.panes.iter().any(|pane| pane.pane == here.pane)) {
            return Ok(own);
        }
        let beside: Vec<&Known> = live.iter().copied().filter(|canvas| Some(&canvas.state.window) == here.window.as_ref()).collect();
        match beside.as_slice() {
            [] => {}
            [one] => return Ok(one),
            _ => return Err(ChooseError::Several(labels(&beside))),
        }
    }
    let near: Vec<&Known> = live.iter().copied().filter(|canvas| is_near(canvas)).collect();
    match most_alive(if near.is_empty() { live } else { near }).as_slice() {
        [] => Err(ChooseError::None),
        [one] => Ok(one),
        several => Err(ChooseError::Several(labels(several))),
    }
}

/// Those of which the most is there.
fn most_alive(mut known: Vec<&Known>) -> Vec<&Known> {
    let most = known.iter().map(|canvas| canvas.life).min();
    known.retain(|canvas| Some(canvas.life) == most);
    known
}

fn labels(known: &[&Known]) -> Vec<String> {
    known.iter().map(|canvas| format!("{} ({})", canvas.state.name, canvas.state.id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canvas::{CanvasState, PaneState};

    fn canvas(name: &str, window: &str, pane: &str, live: bool) -> Known {
        let panes = vec![PaneState { role: "graph".into(), pane: pane.into(), pid: 1 }];
        let state = CanvasState { id: format!("c-{name}"), name: name.into(), window: window.into(), panes, ..CanvasState::default() };
        Known { dir: name.into(), state, life: if live { Life::Live } else { Life::Ended } }
    }

    fn here(pane: &str, window: &str) -> Option<Here> {
        Some(Here { pane: pane.into(), window: Some(window.into()) })
    }

    #[track_caller]
    fn check(asked: Option<&str>, here: Option<Here>, known: &[Known], want: Result<&str, ChooseError>) {
        assert_eq!(choose(asked, here.as_ref(), known, |canvas| canvas.dir.starts_with("near")).map(|c| c.state.name.as_str()), want);
    }

    #[test]
    fn the_only_live_one_is_meant() {
        let known = [canvas("a", "@1", "%1", false), canvas("b", "@2", "%2", true)];
        check(None, None, &known, Ok("b"));
        check(None, None, &known[..1], Err(ChooseError::None));
    }

    #[test]
    fn what_was_closed_or_is_left_is_meant_where_nothing_lives() {
        let as_it_is = |life, name| Known { life, ..canvas(name, "@1", "%1", true) };
        let known = [as_it_is(Life::Left, "left"), as_it_is(Life::Closed, "closed"), as_it_is(Life::Live, "live")];
        check(None, None, &known, Ok("live"));
        check(None, None, &known[..2], Ok("closed"));
        check(None, None, &known[..1], Ok("left"));
        check(Some("left"), None, &known, Ok("left"));
    }

    #[test]
    fn the_name_and_the_id_go_first() {
        let known = [canvas("a", "@1", "%1", true), canvas("b", "@2", "%2", true), canvas("old", "@3", "%3", false)];
        check(Some("b"), here("%1", "@1"), &known, Ok("b"));
        check(Some("c-a"), None, &known, Ok("a"));
        check(Some("old"), None, &known, Err(ChooseError::Ended { asked: "old".into() }));
        let unknown = ChooseError::Unknown { asked: "x".into(), live: vec!["a (c-a)".into(), "b (c-b)".into()] };
        assert_eq!(unknown.hint().unwrap(), "running: a (c-a), b (c-b)");
        check(Some("x"), None, &known, Err(unknown));
    }

    #[test]
    fn the_store_of_this_folder_goes_before_the_rest_of_the_machine() {
        let near = |name| Known { dir: format!("near/{name}").into(), ..canvas(name, "@1", "%1", true) };
        let known = [near("a"), canvas("a", "@2", "%2", true), canvas("b", "@3", "%3", true)];
        check(None, None, &known, Ok("a"));
        check(Some("a"), None, &known, Ok("a"));
        check(Some("b"), None, &known, Ok("b"));
        check(None, None, &[near("a"), near("b"), known[2].clone()], Err(ChooseError::Several(vec!["a (c-a)".into(), "b (c-b)".into()])));
    }

    #[test]
    fn the_pane_then_the_window_of_the_command_decide() {
        let known = [canvas("a", "@1", "%1", true), canvas("b", "@2", "%2", true)];
        check(None, here("%2", "@9"), &known, Ok("b"));
        check(None, here("%7", "@1"), &known, Ok("a"));
        check(None, here("%7", "@9"), &known, Err(ChooseError::Several(vec!["a (c-a)".into(), "b (c-b)".into()])));
    }
}
