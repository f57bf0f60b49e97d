//! Puts the panes of a canvas into tmux: where they go, in which order they are made, and how all is taken back when
//! something fails on the way.

use super::{fail::Fail, out, target};
use crate::{
    canvas::{self, PaneState},
    controller::{
        self, arrange,
        io::{mark, program_pane},
    },
    tmux::{Layout, NewPane, NewSession, PaneId, PaneInfo, Place, Server, Size, Socket, TmuxError, Toward, Turn, layout::Node, own_pane},
};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// Columns of a person's pane from which og takes the right of it; below, it takes the bottom.
const BESIDE_COLS_MIN: u16 = 160;
/// Part of a person's pane that og takes on the right.
const BESIDE_PERCENT: u8 = 60;
/// Part of a person's pane that og takes at the bottom.
const BELOW_PERCENT: u8 = 65;
/// Size of a session that no terminal gave a size.
const DETACHED_SIZE: (u16, u16) = (200, 50);

/// How often a name for a session is looked for. Others make sessions seldom.
const SESSION_TRIES_MAX: u32 = 10;

/// Where a canvas is made.
#[derive(Clone, PartialEq, Debug)]
pub enum Spot {
    /// Beside the pane that the command was typed in.
    Beside(PaneInfo),
    /// In a new window of the session that the command was typed in.
    Window(PaneInfo),
    /// In a session of its own.
    Session,
}

/// A server, and where on it.
#[derive(Clone, PartialEq, Debug)]
pub struct Site {
    /// The server.
    pub server: Server,
    /// Where on it.
    pub spot: Spot,
    /// Whether the command was typed inside tmux, on whatever server: then og cannot attach.
    pub inside: bool,
}

impl Site {
    /// The site for a command: the tmux it was typed in, unless `socket` names another one or `own_session` asks for a
    /// session of its own. `busy` says whether a window holds a canvas already.
    pub fn find(socket: Option<&str>, own_session: bool, busy: impl Fn(&Server, &PaneInfo) -> bool) -> Result<Site, Fail> {
        let around = match Server::from_env() {
            Err(error @ TmuxError::Stale { .. }) => {
                out::note(format!("{error}; going on as if outside tmux"));
                None
            }
            other => other?,
        };
        let inside = around.is_some();
        let named = socket.map(|socket| Server::new(target::parse_socket(socket)));
        let same = |named: &Server, around: &Server| named.socket().path() == around.socket().path();
        let here = around.filter(|around| named.as_ref().is_none_or(|named| same(named, around)));
        let server = here.clone().or(named).unwrap_or_else(|| Server::new(Socket::Default));
        server.check_floor()?;
        let pane = match (&here, own_pane()) {
            (Some(here), Some(pane)) if !own_session => here.pane(pane)?,
            _ => None,
        };
        let spot = match pane {
            Some(pane) if busy(&server, &pane) => Spot::Window(pane),
            Some(pane) => Spot::Beside(pane),
            None => Spot::Session,
        };
        Ok(Site { server, spot, inside })
    }
}

/// The panes of a canvas as they were made. Dropped before [`Made::keep`], it takes them back.
#[derive(Debug)]
pub struct Made {
    server: Server,
    panes: Vec<(String, PaneId)>,
    keep: bool,
    /// The server's, while they are being made.
    turn: Option<Turn>,
    /// Name of the session.
    pub session: String,
    /// Window of the first pane, e.g. `@1`.
    pub window: String,
}

impl Drop for Made {
    fn drop(&mut self) {
        if !self.keep {
            // The last pane of a session takes the session along.
            let turn = self.turn.take().unwrap_or_else(|| self.server.turn());
            self.server.close_panes(&turn, &self.panes.iter().map(|(_, pane)| *pane).collect::<Vec<_>>());
        }
    }
}

impl Made {
    /// From now on the panes stay.
    pub fn keep(&mut self) {
        self.keep = true;
    }

    /// The pane of a role.
    pub fn pane(&self, role: &str) -> Option<PaneId> {
        self.panes.iter().find(|(known, _)| known == role).map(|(_, pane)| *pane)
    }

    /// The panes with their processes, and the layout of the canvas's window as it is now.
    pub fn state(&self) -> Result<(Vec<PaneState>, String), Fail> {
        let all = self.server.list_panes(None)?;
        let state = |(role, pane): &(String, PaneId)| {
            let info = all.iter().find(|info| info.id == *pane);
            PaneState { role: role.clone(), pane: pane.to_string(), pid: info.and_then(|info| info.pid).unwrap_or(0) }
        };
        let layout = self.window.parse().ok().and_then(|window| self.server.layout(window).ok());
        Ok((self.panes.iter().map(state).collect(), layout.map(|layout| layout.to_string()).unwrap_or_default()))
    }
}

/// What is to be made.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// Name of the canvas; its session is `og-NAME`.
    pub name: &'a str,
    /// Id of the canvas.
    pub id: &'a str,
    /// Folder of the canvas.
    pub dir: &'a Path,
    /// Roles in order.
    pub roles: &'a [&'a str],
    /// What the train pane runs.
    pub train: Option<[OsString; 5]>,
}

/// Makes the panes and arranges them. Nothing that the person has is closed, and their pane keeps the focus.
pub fn make(site: &Site, wanted: &Wanted) -> Result<Made, Fail> {
    let command = |role: &str| -> Result<NewPane, Fail> {
        text(wanted.dir)?;
        let own = program_pane(role, wanted.dir, wanted.id)
            .map_err(|error| Fail::of("program", &error, None).about("cannot tell where og itself lies"))?;
        match &wanted.train {
            Some(gate) if role == "train" => {
                let argv = gate.iter().map(|word| text(Path::new(word))).collect::<Result<_, _>>()?;
                Ok(NewPane { argv, ..own })
            }
            _ => Ok(own),
        }
    };
    let [first_role, ..] = wanted.roles else { return Err(Fail::new("bad_spec", "a canvas without panes shows nothing")) };
    let (mut made, first) = first(site, wanted.name, first_role, &command(first_role)?)?;
    let Some(info) = site.server.pane(first)? else {
        return Err(Fail::new("tmux", format!("the {first_role} pane ended at once")));
    };
    made.window = info.window.to_string();
    mark(&site.server, first, wanted.id, first_role)?;

    let plan = canvas::plan(wanted.roles, info.cols, info.rows);
    // The status goes first: it spans everything, so the pane that the others split off from must still be whole.
    let mut rest: Vec<&canvas::Place> = plan.main.iter().filter(|place| place.role != **first_role).collect();
    rest.sort_by_key(|place| place.role != "status");
    for place in rest {
        let (toward, cells) = if place.x > 0 { (Toward::Right, place.cols) } else { (Toward::Below, place.rows) };
        let at = Place { target: first, toward, size: Some(Size::Cells(cells)), full: false };
        let pane = site.server.split(at, &command(&place.role)?)?;
        made.panes.push((place.role.clone(), pane));
        mark(&site.server, pane, wanted.id, &place.role)?;
    }
    let here = made.panes.clone();
    for role in &plan.second {
        let pane = site.server.new_window(&info.session.to_string(), Some(role), &command(role)?)?;
        made.panes.push((role.clone(), pane));
        mark(&site.server, pane, wanted.id, role)?;
    }
    // Splitting rounds in tmux's own way; the plan is what the controller will keep.
    let layout = site.server.layout(info.window)?;
    let ours: Vec<PaneId> = here.iter().map(|(_, pane)| *pane).collect();
    let together = gathered(&layout, &ours);
    if let Some(planned) = arrange::relayout(&together, &here).filter(|planned| *planned != layout) {
        site.server.select_layout(info.window, &planned.to_string())?;
    }
    made.panes.sort_by_key(|(role, _)| wanted.roles.iter().position(|known| known == role));
    made.turn = None;
    Ok(made)
}

/// The layout with our panes under one node of their own. tmux puts a pane split off downwards into the rows that are there
/// already; only as one node can our panes be resized together and apart from the person's.
fn gathered(layout: &Layout, ours: &[PaneId]) -> Layout {
    let is_ours = |child: &Layout| child.panes().iter().all(|pane| ours.contains(pane));
    let gather = |children: &[Layout]| -> Vec<Layout> {
        let first = children.iter().position(is_ours).unwrap_or(children.len());
        let len = children[first..].iter().take_while(|child| is_ours(child)).count();
        let run = &children[first..first + len];
        let (Some(start), Some(end)) = (run.first(), run.last()) else {
            return children.iter().map(|child| gathered(child, ours)).collect();
        };
        if len == 1 || len == children.len() || run.iter().map(|child| child.panes().len()).sum::<usize>() != ours.len() {
            return children.iter().map(|child| gathered(child, ours)).collect();
        }
        let node = if matches!(layout.node, Node::Columns(_)) { Node::Columns(run.to_vec()) } else { Node::Rows(run.to_vec()) };
        let (cols, rows) = (end.x + end.cols - start.x, end.y + end.rows - start.y);
        let one = Layout { cols, rows, x: start.x, y: start.y, node };
        [&children[..first], &[one], &children[first + len..]].concat()
    };
    let node = match &layout.node {
        Node::Leaf(pane) => Node::Leaf(*pane),
        Node::Columns(children) => Node::Columns(gather(children)),
        Node::Rows(children) => Node::Rows(gather(children)),
    };
    Layout { node, ..*layout }
}

/// The first pane, from which the others are split off.
fn first(site: &Site, name: &str, role: &str, pane: &NewPane) -> Result<(Made, PaneId), Fail> {
    let turn = Some(site.server.turn());
    let made = |session: String, pane| {
        let panes = vec![(role.to_string(), pane)];
        (Made { server: site.server.clone(), panes, keep: false, turn, session, window: String::new() }, pane)
    };
    let in_window = |own: &PaneInfo| -> Result<_, Fail> {
        let pane = site.server.new_window(&own.session.to_string(), Some(&format!("og-{name}")), pane)?;
        Ok((own.session_name.clone(), pane))
    };
    let (session, pane) = match &site.spot {
        Spot::Window(own) => in_window(own)?,
        Spot::Beside(own) => {
            let (toward, part) = if own.cols >= BESIDE_COLS_MIN { (Toward::Right, BESIDE_PERCENT) } else { (Toward::Below, BELOW_PERCENT) };
            let place = Place { target: own.id, toward, size: Some(Size::Percent(part)), full: false };
            match site.server.split(place, pane) {
                Ok(pane) => (own.session_name.clone(), pane),
                // A pane too small to be split.
                Err(TmuxError::Refused { .. }) => in_window(own)?,
                Err(error) => return Err(error.into()),
            }
        }
        Spot::Session => {
            let info = new_session(&site.server, name, pane)?;
            (info.session_name, info.id)
        }
    };
    Ok(made(session, pane))
}

/// Makes a session that no other has the name of; somebody who waits for no turn may take it between the question and this.
fn new_session(server: &Server, name: &str, pane: &NewPane) -> Result<PaneInfo, Fail> {
    let (cols, rows) = terminal_size().unwrap_or(DETACHED_SIZE);
    let mut tries = 0;
    loop {
        let name = free_session(server, name)?;
        tries += 1;
        match server.new_session(&NewSession { name, cols, rows, pane: pane.clone() }) {
            Err(TmuxError::Refused { words, .. }) if words.starts_with("duplicate session") && tries < SESSION_TRIES_MAX => {}
            made => return Ok(made?),
        }
    }
}

/// `og-NAME`, or with a number where a session has that name.
fn free_session(server: &Server, name: &str) -> Result<String, Fail> {
    // tmux itself turns these into `_`.
    let base = format!("og-{}", name.replace(['.', ':'], "_"));
    let taken: Vec<String> = server.list_sessions()?.into_iter().map(|(_, name)| name).collect();
    let numbered = (2..).map(|n| format!("{base}-{n}"));
    Ok(std::iter::once(base.clone()).chain(numbered).find(|name| !taken.contains(name)).unwrap_or(base))
}

fn terminal_size() -> Option<(u16, u16)> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col, size.ws_row))
}

/// This program's path, also when it was replaced on disk meanwhile.
pub fn program() -> Result<PathBuf, Fail> {
    controller::io::program().map_err(|error| Fail::of("program", &error, None).about("cannot tell where og itself lies"))
}

/// A path as tmux takes it: it knows only text.
pub fn text(path: &Path) -> Result<String, Fail> {
    path.to_str().map(str::to_string).ok_or_else(|| {
        Fail::new("path", format!("the path {} is not UTF-8, which tmux cannot take", path.display()))
            .hint("give another folder with `--store PATH`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &str, ours: &[u32], after: &str) {
        let parse = |text: &str| -> Layout { text.parse().unwrap() };
        let ours: Vec<PaneId> = ours.iter().copied().map(PaneId).collect();
        assert_eq!(gathered(&parse(before), &ours).to_string(), parse(after).to_string());
    }

    #[test]
    fn our_panes_become_one_node_beside_those_of_the_person() {
        let apart = "5559,100x40,0,0[100x20,0,0,0,100x9,0,21,1,100x9,0,31,2]";
        check(apart, &[1, 2], "43c7,100x40,0,0[100x20,0,0,0,100x19,0,21[100x9,0,21,1,100x9,0,31,2]]");
        check(apart, &[0, 2], apart);
        check(apart, &[0, 1, 2], apart);
        check(apart, &[1], apart);
        let beside = "ea70,200x50,0,0{79x50,0,0,0,120x50,80,0[120x44,80,0{53x44,80,0,1,66x44,134,0,3},120x5,80,45,2]}";
        check(beside, &[1, 2, 3], beside);
    }
}
