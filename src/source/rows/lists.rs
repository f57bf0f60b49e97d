//! Lists of rows in a document, and of several lists how their rows stand together.
//!
//! One list has the names of its rows; of several, the name of each stands in front (`train.loss`, `val.loss`). Several are read where the
//! rows of each say where they stand; by a name that all of them have, they are put in order. Of lists beside a list of rows, most are none: groups of
//! parameters, samples, the best checkpoints, schedules.

use crate::source::{
    columns::{is_time, may_be_step, step_place, whole},
    json::{Cursor, Token},
    metrics::is_metric,
};

/// The list of rows in a trainer's state.
pub(super) const STATE: &str = "log_history";

/// What lists of rows are called. In others, a step alone makes no row: schedules of a learning rate have steps too.
const LISTS: &[&str] =
    &[STATE, "history", "training_history", "log", "logs", "training_log", "train_log", "metrics", "records", "results", "evaluations"];

/// Rows of a list that are looked at to tell whether it has any.
const LOOKED_AT_MAX: usize = 8;

/// Most objects around a list.
const DEPTH_MAX: usize = 3;

/// Most lists that are read together: trainings and their checks are a few, classes and layers are more.
const LISTS_MAX: usize = 16;

/// Least rises of the step for each time that it does not rise: a run may start again, what is sorted by its score falls half the time.
const RISES_MIN: usize = 4;

/// The lists of rows in an object, as far as its text goes.
#[derive(Default)]
pub(super) struct Lists<'a> {
    /// Those of the object itself.
    own: Vec<List<'a>>,
    /// Those of objects in it.
    inner: Vec<List<'a>>,
    /// The object itself says where it stands.
    has_step: bool,
}

struct List<'a> {
    path: Vec<String>,
    /// Where it begins.
    cursor: Cursor<'a>,
}

/// What rows there are in a document.
pub(super) enum Found<'a> {
    /// Those of the list that is called so.
    One(String),
    /// Those of lists anywhere in it.
    Together(Merged<'a>),
}

/// The rows of lists, in the order of their steps.
pub(super) struct Merged<'a> {
    /// What stands in front of the names of each.
    prefixes: Vec<String>,
    /// Of which list each row is, and its text.
    rows: Vec<(usize, &'a str)>,
}

/// A list whose rows say where they stand.
struct Counted<'a> {
    path: Vec<String>,
    /// The steps of each row, by the places of their names, and its text.
    rows: Vec<(Vec<(usize, i64)>, &'a str)>,
}

impl<'a> Lists<'a> {
    pub(super) fn of(text: &'a str) -> Lists<'a> {
        let mut lists = Lists::default();
        // Where the text ends early, what was found counts.
        let _ = Cursor::new(text).object(|cursor, key| {
            lists.has_step |= step_place(&key).is_some();
            match cursor.peek()? {
                b'[' => {
                    if key == STATE || has_rows(&key, cursor.clone()) {
                        lists.own.push(List { path: vec![key.into_owned()], cursor: cursor.clone() });
                    }
                    cursor.skip()
                }
                b'{' => look(&mut vec![key.into_owned()], cursor, &mut lists.inner),
                _ => cursor.skip(),
            }
        });
        lists
    }

    pub(super) fn is_any(&self) -> bool {
        !self.own.is_empty() || !self.has_step && self.inner.iter().any(|list| has_counted_rows(list.cursor.clone()))
    }

    /// Those that hold the rows. What has a step is a row itself, but for a trainer's state.
    pub(super) fn found(mut self, text: &'a str) -> Option<Found<'a>> {
        if self.own.iter().any(|list| list.path[0] == STATE) {
            return Some(Found::One(STATE.to_owned()));
        }
        if self.has_step {
            return None;
        }
        let is_own = !self.own.is_empty();
        if let [_] = self.own[..] {
            return self.own.pop().and_then(|mut list| list.path.pop()).map(Found::One);
        }
        let lists = if is_own { self.own } else { self.inner };
        let mut lists: Vec<Counted> = lists.into_iter().filter_map(|list| list.counted(text)).collect();
        // Single rows alone are results.
        if lists.len() > LISTS_MAX || lists.iter().all(|list| list.rows.len() < 2) {
            return None;
        }
        match lists.len() {
            1 if is_own => lists.pop().and_then(|mut list| list.path.pop()).map(Found::One),
            _ => Merged::of(lists).map(Found::Together),
        }
    }
}

impl<'a> List<'a> {
    /// The rows of the list, where it is one of rows that say where they stand, the most of them further on than the one before.
    fn counted(mut self, text: &'a str) -> Option<Counted<'a>> {
        let (mut rows, mut has_metric) = (vec![], false);
        self.cursor.array(|cursor| {
            let mut steps = vec![];
            cursor.peek()?;
            let start = cursor.at();
            cursor.object(|cursor, key| match step_place(&key) {
                Some(place) => {
                    if let Token::Number(number) = cursor.clone().token()? {
                        steps.extend(whole(number).map(|step| (place, step)));
                    }
                    cursor.skip()
                }
                None => {
                    has_metric |= is_number(cursor)? && is_metric(&key);
                    cursor.skip()
                }
            })?;
            rows.push((steps, &text[start..cursor.at()]));
            Some(())
        })?;
        let list = Counted { path: self.path, rows };
        let best = list.common()?.into_iter().min()?;
        let steps = list.steps(best);
        let rises = steps.windows(2).filter(|pair| pair[0] < pair[1]).count();
        let others = list.rows.len() - 1 - rises;
        (has_metric && rises >= others * RISES_MIN).then_some(list)
    }
}

impl Counted<'_> {
    /// The names that all of its rows have.
    fn common(&self) -> Option<Vec<usize>> {
        let (first, rest) = self.rows.split_first()?;
        let is_in_all = |place: &usize| rest.iter().all(|(steps, _)| steps.iter().any(|(at, _)| at == place));
        Some(first.0.iter().map(|(place, _)| *place).filter(is_in_all).collect())
    }

    fn steps(&self, place: usize) -> Vec<i64> {
        self.rows.iter().filter_map(|(steps, _)| steps.iter().find(|(at, _)| *at == place)).map(|(_, step)| *step).collect()
    }
}

impl<'a> Merged<'a> {
    fn of(lists: Vec<Counted<'a>>) -> Option<Merged<'a>> {
        let mut places = lists.iter().map(|list| list.common().unwrap_or_default());
        let first = places.next()?;
        let all: Vec<_> = places.collect();
        let Some(place) = first.into_iter().filter(|place| all.iter().all(|places| places.contains(place))).min() else {
            return Some(Merged::apart(lists));
        };
        let steps: Vec<_> = lists.iter().map(|list| list.steps(place)).collect();
        let (mut heads, mut rows) = (vec![0; lists.len()], vec![]);
        // Each list keeps its order, also where a run starts again.
        while let Some((at, _)) = (0..lists.len()).filter_map(|at| Some((at, *steps[at].get(heads[at])?))).min_by_key(|(_, step)| *step) {
            rows.push((at, lists[at].rows[heads[at]].1));
            heads[at] += 1;
        }
        Some(Merged { prefixes: prefixes(&lists), rows })
    }

    /// The rows of lists that count in other ways, one list behind the other: each stands where it says. What says less than a step, such as
    /// an epoch, comes first, since behind steps it would stand at the last of them.
    fn apart(mut lists: Vec<Counted<'a>>) -> Merged<'a> {
        lists.sort_by_key(|list| std::cmp::Reverse(list.common().and_then(|places| places.into_iter().min())));
        let rows = lists.iter().enumerate().flat_map(|(at, list)| list.rows.iter().map(move |(_, row)| (at, *row))).collect();
        Merged { prefixes: prefixes(&lists), rows }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The rows as texts of objects: steps and times are of them all, the other names are those of each list.
    pub(super) fn rows(&self) -> impl Iterator<Item = String> {
        self.rows.iter().map(|(at, row)| named(&self.prefixes[*at], row))
    }
}

/// What tells the paths of lists apart: what all begin or end with is left out.
fn prefixes(lists: &[Counted]) -> Vec<String> {
    let paths: Vec<&[String]> = lists.iter().map(|list| &*list.path).collect();
    let Some(least) = paths.iter().map(|path| path.len()).min().filter(|_| paths.len() > 1) else { return vec![String::new()] };
    let first = paths[0];
    let front = (0..least).take_while(|at| paths.iter().all(|path| path[*at] == first[*at])).count();
    let is_last = |back: &usize| paths.iter().all(|path| path[path.len() - 1 - back] == first[first.len() - 1 - back]);
    let back = (0..least.saturating_sub(front)).take_while(is_last).count();
    paths.iter().map(|path| path[front..path.len() - back].iter().flat_map(|part| [part, "."]).collect()).collect()
}

/// The object `row` with `prefix` in front of names that say nothing of where it stands.
fn named(prefix: &str, row: &str) -> String {
    let mut out = String::from("{");
    let read = Cursor::new(row).object(|cursor, key| {
        cursor.peek()?;
        let is_place = step_place(&key).is_some() || is_time(&key, &cursor.clone().token()?);
        let start = cursor.at();
        cursor.skip()?;
        let name = if is_place { key.into_owned() } else { [prefix, &*key].concat() };
        let comma = if out.len() > 1 { "," } else { "" };
        out.extend([comma, &serde_json::Value::from(name).to_string(), ":", &row[start..cursor.at()]]);
        Some(())
    });
    debug_assert!(read.is_some(), "it was read before");
    out + "}"
}

/// Puts the lists in the object at the cursor into `out` that may have rows; `path` is where it stands.
fn look<'a>(path: &mut Vec<String>, cursor: &mut Cursor<'a>, out: &mut Vec<List<'a>>) -> Option<()> {
    cursor.object(|cursor, key| match cursor.peek()? {
        b'[' => {
            let mut inside = cursor.clone();
            inside.pass();
            if inside.peek()? == b'{' && out.len() <= LISTS_MAX {
                out.push(List { path: path.iter().cloned().chain([key.into_owned()]).collect(), cursor: cursor.clone() });
            }
            cursor.skip()
        }
        b'{' if path.len() + 1 < DEPTH_MAX => {
            path.push(key.into_owned());
            look(path, cursor, out)?;
            path.pop();
            Some(())
        }
        _ => cursor.skip(),
    })
}

fn is_number(cursor: &mut Cursor) -> Option<bool> {
    Some(matches!(cursor.peek()?, b'0'..=b'9' | b'-' | b'N' | b'I'))
}

/// Whether the array at the cursor, which has this name, begins with rows. One without a name is the document itself.
pub(super) fn has_rows(name: &str, mut cursor: Cursor) -> bool {
    cursor.pass();
    let counts = name.is_empty() || LISTS.contains(&name);
    // The first may lack what the others have.
    for _ in 0..LOOKED_AT_MAX {
        let mut is_known = false;
        let read = cursor.object(|cursor, key| {
            is_known |= is_number(cursor)? && (counts && may_be_step(&key) || is_metric(&key));
            cursor.skip()
        });
        if read.is_none() || is_known {
            return read.is_some();
        }
        if cursor.peek() != Some(b',') {
            return false;
        }
        cursor.pass();
    }
    false
}

/// Whether the array at the cursor begins with a row that has a step and surely a metric.
fn has_counted_rows(mut cursor: Cursor) -> bool {
    cursor.pass();
    let (mut has_step, mut has_metric) = (false, false);
    let read = cursor.object(|cursor, key| {
        let is_number = is_number(cursor)?;
        has_step |= is_number && step_place(&key).is_some();
        has_metric |= is_number && is_metric(&key);
        cursor.skip()
    });
    read.is_some() && has_step && has_metric
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of a document; of a single list, its name.
    fn rows(text: &str) -> Option<String> {
        Some(match Lists::of(text).found(text)? {
            Found::One(name) => name,
            Found::Together(merged) => merged.rows().collect::<Vec<_>>().join(" "),
        })
    }

    #[test]
    fn rows_of_several_lists_stand_together_by_their_steps() {
        let two = r#"{"train":[{"epoch":0,"loss":2},{"epoch":1,"loss":1}],"val":[{"epoch":1,"loss":3}]}"#;
        let want = r#"{"epoch":0,"train.loss":2} {"epoch":1,"train.loss":1} {"epoch":1,"val.loss":3}"#;
        let history = two.replace('[', "{\"history\":[").replace(']', "]}");
        for text in [two, &format!(r#"{{"args":{{"lr":1}},"metrics":{two},"best_epoch":1}}"#), &history] {
            assert_eq!(rows(text).as_deref(), Some(want), "{text}");
        }
        // What was measured after an epoch stands at the last step of it.
        let steps = r#"{"a":[{"epoch":0,"step":1,"loss":3},{"epoch":0,"step":2,"loss":2},{"epoch":1,"step":3,"loss":1}],"b":[{"epoch":0,"acc":1,"time":1700000000}]}"#;
        let want = r#"{"epoch":0,"step":1,"a.loss":3} {"epoch":0,"step":2,"a.loss":2} {"epoch":0,"b.acc":1,"time":1700000000} {"epoch":1,"step":3,"a.loss":1}"#;
        assert_eq!(rows(steps).as_deref(), Some(want));
    }

    #[test]
    fn lists_that_count_in_other_ways_stand_behind_each_other() {
        let text = r#"{"val":[{"step":9,"loss":3},{"step":19,"loss":2}],"train":[{"epoch":0,"loss":2},{"epoch":1,"loss":1}]}"#;
        let want = r#"{"epoch":0,"train.loss":2} {"epoch":1,"train.loss":1} {"step":9,"val.loss":3} {"step":19,"val.loss":2}"#;
        assert_eq!(rows(text).as_deref(), Some(want));
    }

    #[test]
    fn one_list_has_the_names_of_its_rows() {
        let list = r#"[{"epoch":0,"loss":2},{"epoch":1,"loss":1}]"#;
        assert_eq!(rows(&format!(r#"{{"train":{list}}}"#)).as_deref(), Some("train"));
        let inner = format!(r#"{{"results":{{"train":{list}}},"config":{{"lr":1}}}}"#);
        assert_eq!(rows(&inner).as_deref(), Some(r#"{"epoch":0,"loss":2} {"epoch":1,"loss":1}"#));
        // Beside it: scores by class, samples of one step, the best checkpoints, a schedule, groups of parameters.
        for other in [
            r#"[{"class":"a","f1":0.5},{"class":"b","f1":0.25}]"#,
            r#"[{"step":9,"reward":0.5},{"step":9,"reward":0.25}]"#,
            r#"[{"epoch":7,"loss":0.1},{"epoch":3,"loss":0.2},{"epoch":5,"loss":0.3}]"#,
            r#"[{"step":0,"lr":0.1},{"step":9,"lr":0.01}]"#,
            r#"[{"name":"head","lr":0.1}]"#,
        ] {
            assert_eq!(rows(&format!(r#"{{"log":{list},"other":{other}}}"#)).as_deref(), Some("log"), "{other}");
            let inner = format!(r#"{{"all":{{"log":{list},"other":{other}}}}}"#);
            assert_eq!(rows(&inner).as_deref(), Some(r#"{"epoch":0,"loss":2} {"epoch":1,"loss":1}"#), "{other}");
        }
    }

    #[test]
    fn lists_that_do_not_stand_together_are_no_rows() {
        let list = r#"[{"epoch":0,"loss":2},{"epoch":1,"loss":1}]"#;
        for text in [
            // A row with lists in it, single results.
            &format!(r#"{{"step":5,"a":{list},"b":{list}}}"#),
            &format!(r#"{{"step":5,"all":{{"a":{list},"b":{list}}}}}"#),
            r#"{"a":[{"epoch":1,"loss":2}],"b":[{"epoch":1,"loss":2}]}"#,
            r#"{"all":{"a":[{"f1":0.5},{"f1":0.6}]}}"#,
        ] {
            assert_eq!(rows(text), None, "{text}");
        }
    }
}
