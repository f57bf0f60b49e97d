//! Where og's panes should stand: from the window as tmux has it to the next move. Pure.

use crate::{
    canvas::{self, Arrangement, Place},
    tmux::{
        PaneId,
        layout::{Layout, Node},
    },
};

/// One of og's panes: its role and id.
pub type Ours = (String, PaneId);

/// What to ask of tmux to bring a window nearer to its plan.
#[derive(Clone, PartialEq, Debug)]
pub enum Move {
    /// The pane has no room here: give it a window of its own.
    Break(PaneId),
    /// The pane has room here again.
    Join(PaneId),
    /// They stand in each other's place: layouts are filled in the order of the window's panes.
    Swap(PaneId, PaneId),
    /// Apply this layout to the window.
    Select(Layout),
}

/// The next move for a window in which the panes `here` of a canvas stand, while `away` stand in windows of
/// their own. `None`: all is well, or a person mixed og's panes with their own and the window is theirs.
pub fn next_move(current: &Layout, here: &[Ours], away: &[Ours]) -> Option<Move> {
    let area = subtree(current, here)?;
    let roles = roles(here.iter().chain(away));
    let plan = plan(&roles, area);
    let wanted_away = |ours: &&Ours| plan.second.contains(&ours.0);
    if let Some((_, pane)) = here.iter().find(wanted_away) {
        return (here.len() > 1).then_some(Move::Break(*pane));
    }
    if let Some((_, pane)) = away.iter().find(|ours| !wanted_away(ours)) {
        return Some(Move::Join(*pane));
    }
    let wanted = fill(current, here, &plan.main)?;
    if let Some((now, then)) = current.panes().into_iter().zip(wanted.panes()).find(|(now, then)| now != then) {
        return Some(Move::Swap(now, then));
    }
    (wanted != *current).then_some(Move::Select(wanted))
}

/// The window's layout with og's panes laid out anew for the room they have. `None` when they do not stand together.
pub fn relayout(current: &Layout, ours: &[Ours]) -> Option<Layout> {
    let roles = roles(ours.iter());
    fill(current, ours, &plan(&roles, subtree(current, ours)?).main)
}

/// The window with og's panes at these places of their area.
fn fill(current: &Layout, ours: &[Ours], places: &[Place]) -> Option<Layout> {
    if places.len() != ours.len() {
        return None;
    }
    let area = subtree(current, ours)?;
    let fresh = tree(places, (area.x, area.y), ours)?;
    let mut window = current.clone();
    *subtree_mut(&mut window, ours)? = Layout { x: area.x, y: area.y, cols: area.cols, rows: area.rows, ..fresh };
    Some(window)
}

/// The smallest part of a layout that holds exactly these panes.
fn subtree<'a>(layout: &'a Layout, ours: &[Ours]) -> Option<&'a Layout> {
    if same_panes(layout, ours) {
        return Some(layout);
    }
    children(layout).iter().find_map(|child| subtree(child, ours))
}

fn subtree_mut<'a>(layout: &'a mut Layout, ours: &[Ours]) -> Option<&'a mut Layout> {
    if same_panes(layout, ours) {
        return Some(layout);
    }
    match &mut layout.node {
        Node::Leaf(_) => None,
        Node::Columns(children) | Node::Rows(children) => children.iter_mut().find_map(|child| subtree_mut(child, ours)),
    }
}

fn children(layout: &Layout) -> &[Layout] {
    match &layout.node {
        Node::Leaf(_) => &[],
        Node::Columns(children) | Node::Rows(children) => children,
    }
}

fn same_panes(layout: &Layout, ours: &[Ours]) -> bool {
    let mut found = layout.panes();
    let mut wanted: Vec<PaneId> = ours.iter().map(|(_, pane)| *pane).collect();
    found.sort();
    wanted.sort();
    !wanted.is_empty() && found == wanted
}

/// The roles in the order in which they are placed: the training first, the status last.
fn roles<'a>(ours: impl Iterator<Item = &'a Ours>) -> Vec<&'a str> {
    let mut roles: Vec<&str> = ours.map(|(role, _)| role.as_str()).collect();
    roles.sort_by_key(|role| match *role {
        "train" => 0,
        "graph" => 1,
        "status" => 3,
        _ => 2,
    });
    roles
}

fn plan(roles: &[&str], area: &Layout) -> Arrangement {
    let cells = |n: u32| u16::try_from(n).unwrap_or(u16::MAX);
    canvas::plan(roles, cells(area.cols), cells(area.rows))
}

/// Turns places into tmux's tree by cutting them apart, rows first.
fn tree(places: &[Place], origin: (u32, u32), ours: &[Ours]) -> Option<Layout> {
    let left = places.iter().map(|p| p.x).min()?;
    let top = places.iter().map(|p| p.y).min()?;
    let right = places.iter().map(|p| p.x + p.cols).max()?;
    let bottom = places.iter().map(|p| p.y + p.rows).max()?;
    let node = if let [place] = places {
        let (_, pane) = ours.iter().find(|(role, _)| *role == place.role)?;
        Node::Leaf(Some(*pane))
    } else if let Some(groups) = cut(places, |p| (p.y, p.y + p.rows)) {
        Node::Rows(groups.iter().map(|group| tree(group, origin, ours)).collect::<Option<_>>()?)
    } else {
        let groups = cut(places, |p| (p.x, p.x + p.cols))?;
        Node::Columns(groups.iter().map(|group| tree(group, origin, ours)).collect::<Option<_>>()?)
    };
    let (x, y) = (origin.0 + u32::from(left), origin.1 + u32::from(top));
    Some(Layout { x, y, cols: u32::from(right - left), rows: u32::from(bottom - top), node })
}

/// Groups places so that the groups follow each other along an axis without overlap; `None` when they form one group.
fn cut(places: &[Place], span: impl Fn(&Place) -> (u16, u16)) -> Option<Vec<Vec<Place>>> {
    let mut sorted = places.to_vec();
    sorted.sort_by_key(|p| span(p).0);
    let mut groups: Vec<Vec<Place>> = vec![];
    let mut end = 0;
    for place in sorted {
        let (from, to) = span(&place);
        match groups.last_mut() {
            Some(group) if from < end => group.push(place),
            _ => groups.push(vec![place]),
        }
        end = end.max(to);
    }
    (groups.len() > 1).then_some(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(pane: u32, x: u32, y: u32, cols: u32, rows: u32) -> Layout {
        Layout { x, y, cols, rows, node: Node::Leaf(Some(PaneId(pane))) }
    }

    fn stacked(cols: u32, rows: u32) -> Layout {
        let third = rows / 3;
        let last = rows - 2 * third - 2;
        let children = vec![leaf(1, 0, 0, cols, third), leaf(2, 0, third + 1, cols, third), leaf(3, 0, 2 * third + 2, cols, last)];
        Layout { x: 0, y: 0, cols, rows, node: Node::Rows(children) }
    }

    fn ours(roles: &[(&str, u32)]) -> Vec<Ours> {
        roles.iter().map(|(role, pane)| (role.to_string(), PaneId(*pane))).collect()
    }

    #[test]
    fn a_wide_window_puts_train_and_graph_side_by_side_over_the_status() {
        let panes = ours(&[("train", 1), ("graph", 2), ("status", 3)]);
        let Some(Move::Select(layout)) = next_move(&stacked(200, 50), &panes, &[]) else { panic!("no layout") };
        let Node::Rows(rows) = &layout.node else { panic!("{layout:?}") };
        let Node::Columns(columns) = &rows[0].node else { panic!("{layout:?}") };
        assert_eq!(columns.iter().flat_map(Layout::panes).collect::<Vec<_>>(), [PaneId(1), PaneId(2)]);
        assert_eq!(rows[1].panes(), [PaneId(3)]);
        assert_eq!(columns[0].cols + 1 + columns[1].cols, 200);
        assert_eq!(rows[0].rows + 1 + rows[1].rows, 50);
        assert_eq!(next_move(&layout, &panes, &[]), None, "what is planned is left alone");
    }

    #[test]
    fn a_small_window_sends_the_graph_away_and_takes_it_back() {
        let all = ours(&[("train", 1), ("graph", 2), ("status", 3)]);
        assert_eq!(next_move(&stacked(48, 14), &all, &[]), Some(Move::Break(PaneId(2))));
        let here = ours(&[("train", 1), ("status", 3)]);
        let away = ours(&[("graph", 2)]);
        let two = |cols, rows: u32| Layout {
            x: 0,
            y: 0,
            cols,
            rows,
            node: Node::Rows(vec![leaf(1, 0, 0, cols, rows - 2), leaf(3, 0, rows - 1, cols, 1)]),
        };
        assert_eq!(next_move(&two(48, 14), &here, &away), None);
        assert_eq!(next_move(&two(120, 40), &here, &away), Some(Move::Join(PaneId(2))));
    }

    #[test]
    fn panes_out_of_order_are_swapped_first() {
        let panes = ours(&[("graph", 1), ("train", 2), ("status", 3)]);
        assert_eq!(next_move(&stacked(200, 50), &panes, &[]), Some(Move::Swap(PaneId(1), PaneId(2))));
    }

    #[test]
    fn panes_of_a_person_beside_ours_stay_as_they_are() {
        let mut right = stacked(120, 50);
        shift(&mut right, 80);
        let window = Layout { x: 0, y: 0, cols: 200, rows: 50, node: Node::Columns(vec![leaf(9, 0, 0, 79, 50), right]) };
        let panes = ours(&[("train", 1), ("graph", 2), ("status", 3)]);
        let Some(Move::Select(layout)) = next_move(&window, &panes, &[]) else { panic!("no layout") };
        let Node::Columns(columns) = &layout.node else { panic!("{layout:?}") };
        assert_eq!(columns[0], leaf(9, 0, 0, 79, 50));
        assert_eq!((columns[1].x, columns[1].cols, columns[1].rows), (80, 120, 50));
        let mixed = ours(&[("train", 9), ("graph", 2), ("status", 3)]);
        assert_eq!(next_move(&window, &mixed, &[]), None);
    }

    fn shift(layout: &mut Layout, by: u32) {
        layout.x += by;
        if let Node::Columns(children) | Node::Rows(children) = &mut layout.node {
            children.iter_mut().for_each(|child| shift(child, by));
        }
    }
}
