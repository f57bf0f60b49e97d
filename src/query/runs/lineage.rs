//! Which run goes on from which.

use super::RunRow;
use std::collections::{HashMap, HashSet};

/// A line of the tree.
#[derive(Clone, PartialEq, Debug)]
pub struct Branch {
    /// For each level above it, whether more comes below there; the last for itself. Empty at a root.
    pub more: Vec<bool>,
    /// What stands there.
    pub node: Node,
}

/// What stands in the tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Node {
    /// The run at this place of the rows.
    Run(usize),
    /// Weights that a run saved: its place, and the number of the checkpoint, 0-based.
    Checkpoint(usize, usize),
    /// A run that others go on from, and that is not known: its id.
    Unknown(String),
}

/// The families of the runs: under each run its checkpoints, and what goes on from them or from its end. Runs with neither
/// are left out. In the order of the rows, which is that of their roots; within a family, the oldest first.
pub fn lineage(all: &[RunRow]) -> Vec<Branch> {
    let tree = Tree::of(all);
    let mut out = vec![];
    let mut drawn = HashSet::new();
    for id in &tree.unknown {
        tree.draw(Node::Unknown((*id).to_owned()), &mut drawn, &mut out);
    }
    let is_family = |row: usize| !tree.next[row].is_empty() || tree.checkpoints(row) > 0;
    // Runs in a ring have no root: the first of them is one.
    let roots = (0..all.len()).filter(|row| tree.parent[*row] == Parent::None).chain(0..all.len());
    for row in roots.filter(|row| is_family(*row)) {
        tree.draw(Node::Run(row), &mut drawn, &mut out);
    }
    out
}

#[derive(Clone, Copy, PartialEq)]
enum Parent {
    None,
    Run(usize),
    Unknown,
}

struct Tree<'a> {
    all: &'a [RunRow],
    parent: Vec<Parent>,
    /// What goes on from each run.
    next: Vec<Vec<usize>>,
    unknown: Vec<&'a str>,
}

impl<'a> Tree<'a> {
    fn of(all: &'a [RunRow]) -> Tree<'a> {
        let time = |row: usize| all[row].time().unwrap_or(f64::INFINITY);
        let mut by_id: HashMap<&str, Vec<usize>> = HashMap::new();
        all.iter().enumerate().for_each(|(row, run)| by_id.entry(&run.id).or_default().push(row));
        by_id.values_mut().for_each(|rows| rows.sort_by(|a, b| time(*a).total_cmp(&time(*b)).then(b.cmp(a))));
        let mut unknown = vec![];
        let parent: Vec<Parent> = (0..all.len())
            .map(|row| {
                let same = &by_id[all[row].id.as_str()];
                let earlier = same.iter().position(|other| *other == row).and_then(|at| at.checked_sub(1)).map(|at| same[at]);
                match (&all[row].origin, earlier) {
                    // A run that was resumed stands in several rows.
                    (_, Some(earlier)) if !all[row].id.is_empty() => Parent::Run(earlier),
                    (Some(origin), _) => match by_id.get(origin.run.as_str()).and_then(|rows| rows.last()) {
                        Some(other) if *other != row => Parent::Run(*other),
                        Some(_) => Parent::None,
                        None => {
                            if !unknown.contains(&origin.run.as_str()) {
                                unknown.push(origin.run.as_str());
                            }
                            Parent::Unknown
                        }
                    },
                    (None, _) => Parent::None,
                }
            })
            .collect();
        let mut next = vec![vec![]; all.len()];
        for (row, parent) in parent.iter().enumerate() {
            if let Parent::Run(parent) = parent {
                next[*parent].push(row);
            }
        }
        next.iter_mut().for_each(|rows: &mut Vec<usize>| rows.sort_by(|a, b| time(*a).total_cmp(&time(*b)).then(b.cmp(a))));
        Tree { all, parent, next, unknown }
    }

    fn checkpoints(&self, row: usize) -> usize {
        self.all[row].read.as_ref().map_or(0, |read| read.checkpoints.len())
    }

    /// The checkpoint of run `of` that run `row` goes on from.
    fn from(&self, row: usize, of: usize) -> Option<usize> {
        let origin = self.all[row].origin.as_ref()?;
        let checkpoints = &self.all[of].read.as_ref()?.checkpoints;
        let by_path = || checkpoints.iter().position(|(path, _)| origin.checkpoint.as_ref() == Some(path));
        let by_step = || checkpoints.iter().rposition(|(_, step)| step.is_some() && *step == origin.step);
        by_path().or_else(by_step)
    }

    fn below(&self, node: &Node) -> Vec<Node> {
        let runs = |rows: Vec<usize>| rows.into_iter().map(Node::Run);
        match node {
            Node::Run(row) => {
                let rest = self.next[*row].iter().copied().filter(|next| self.from(*next, *row).is_none()).collect();
                (0..self.checkpoints(*row)).map(|n| Node::Checkpoint(*row, n)).chain(runs(rest)).collect()
            }
            Node::Checkpoint(row, n) => {
                runs(self.next[*row].iter().copied().filter(|next| self.from(*next, *row) == Some(*n)).collect()).collect()
            }
            Node::Unknown(id) => {
                let goes_on = |row: &usize| {
                    self.parent[*row] == Parent::Unknown && self.all[*row].origin.as_ref().is_some_and(|origin| origin.run == *id)
                };
                runs((0..self.all.len()).rev().filter(goes_on).collect()).collect()
            }
        }
    }

    /// Draws a node and what is below it, without recursion: a thousand runs may each go on from the one before.
    fn draw(&self, root: Node, drawn: &mut HashSet<usize>, out: &mut Vec<Branch>) {
        let mut open = vec![(root, vec![])];
        while let Some((node, more)) = open.pop() {
            if let Node::Run(row) = node
                && !drawn.insert(row)
            {
                continue;
            }
            let below = self.below(&node);
            let last = below.len().saturating_sub(1);
            let deeper = |n: usize| more.iter().copied().chain([n < last]).collect();
            open.extend(below.into_iter().enumerate().map(|(n, node)| (node, deeper(n))).rev());
            out.push(Branch { more, node });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{Origin, RunRead};
    use proptest::prelude::*;

    fn run(id: &str, started: f64, origin: Option<(&str, i64)>, checkpoints: &[i64]) -> RunRow {
        let checkpoints = checkpoints.iter().map(|step| (format!("step{step}.pt"), Some(*step))).collect();
        RunRow {
            path: format!("{id}@{started}").into(),
            id: id.into(),
            started: Some(started),
            read: Some(RunRead { checkpoints, ..RunRead::default() }),
            origin: origin.map(|(run, step)| Origin { run: run.into(), checkpoint: None, step: Some(step) }),
            ..RunRow::default()
        }
    }

    fn tree(all: &[RunRow]) -> Vec<String> {
        let name = |node: &Node| match node {
            Node::Run(row) => all[*row].path.display().to_string(),
            Node::Checkpoint(row, n) => all[*row].read.as_ref().unwrap().checkpoints[*n].0.clone(),
            Node::Unknown(id) => format!("? {id}"),
        };
        lineage(all).iter().map(|branch| format!("{}{}", "  ".repeat(branch.more.len()), name(&branch.node))).collect()
    }

    #[test]
    fn resumed_runs_stand_under_what_they_go_on_from() {
        let all = [
            run("c", 9.0, Some(("gone", 1)), &[]),
            run("b", 5.0, Some(("a", 200)), &[]),
            run("d", 4.0, Some(("a", 7)), &[]),
            run("a", 3.0, None, &[]),
            run("a", 1.0, None, &[100, 200]),
            run("alone", 0.0, None, &[]),
        ];
        assert_eq!(tree(&all), ["? gone", "  c@9", "a@1", "  step100.pt", "  step200.pt", "  a@3", "    d@4", "    b@5"]);
    }

    #[test]
    fn a_run_goes_on_from_the_checkpoint_it_names() {
        let all = [run("b", 5.0, Some(("a", 200)), &[]), run("a", 1.0, None, &[100, 200])];
        assert_eq!(tree(&all), ["a@1", "  step100.pt", "  step200.pt", "    b@5"]);
        let last: Vec<_> = lineage(&all).into_iter().map(|branch| branch.more).collect();
        assert_eq!(last, [vec![], vec![true], vec![false], vec![false, false]]);
    }

    proptest! {
        #[test]
        fn every_run_with_a_family_stands_once(links in prop::collection::vec((0usize..8, prop::option::of(0usize..10)), 0..12)) {
            let all: Vec<RunRow> = links.iter().enumerate().map(|(n, (id, parent))| {
                let parent = parent.map(|parent| format!("r{parent}"));
                run(&format!("r{id}"), n as f64, parent.as_deref().map(|id| (id, 1)), &[])
            }).collect();
            let mut seen: Vec<usize> = lineage(&all).iter().filter_map(|branch| match branch.node { Node::Run(row) => Some(row), _ => None }).collect();
            let count = seen.len();
            seen.sort_unstable();
            seen.dedup();
            prop_assert_eq!(seen.len(), count);
            let has_origin = all.iter().enumerate().filter(|(_, run)| run.origin.as_ref().is_some_and(|origin| origin.run != run.id));
            for (row, _) in has_origin {
                prop_assert!(seen.contains(&row));
            }
        }
    }
}
