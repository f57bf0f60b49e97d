//! The rollouts of tviz: two tables, found by their indices.

use super::{GROUPS_MAX, RolloutStore, STEPS_MAX, TRAJECTORIES_MAX};
use crate::source::{
    Body, RolloutGroup, SourceError, TrajectoryHead,
    io::{
        sqlite::{Db, int},
        tviz::{Schema, foreign, quoted, value},
    },
    json::lenient,
    rollouts::{TEXT_BYTES_MAX, bounded, fact, score, title, tokens},
    tviz::Cell,
};
use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::Value;
use std::path::Path;

/// Largest list of tokens that is read: those of a very long answer.
const LIST_BYTES_MAX: usize = 2 << 20;
/// Longest number that somebody wrote as text.
const NUMBER_BYTES_MAX: usize = 64;
/// Start of a prompt that its title is made of.
const TITLE_BYTES: usize = 400;

/// The rollouts of one run of a tviz database.
pub(super) struct TvizRollouts {
    db: Db,
    run: String,
}

impl TvizRollouts {
    pub(super) fn new(db: &Path, run: &str) -> TvizRollouts {
        TvizRollouts { db: Db::new(db), run: run.to_owned() }
    }

    fn read<T>(&mut self, mut read: impl FnMut(&Connection, &Schema, &str) -> rusqlite::Result<T>) -> Result<T, SourceError> {
        let run = &self.run;
        let read = self.db.read_now(|connection| {
            let schema = Schema::of(connection)?;
            schema.map(|schema| read(connection, &schema, run)).transpose()
        });
        read?.ok_or_else(|| foreign(self.db.path()))
    }
}

impl RolloutStore for TvizRollouts {
    fn steps(&mut self) -> Result<Vec<i64>, SourceError> {
        let mut steps = self.read(|connection, schema, run| {
            if schema.rollouts.is_empty() {
                return Ok(vec![]);
            }
            let sql = format!("SELECT DISTINCT step FROM rollouts WHERE run_id = ?1 ORDER BY step DESC LIMIT {STEPS_MAX}");
            let mut select = connection.prepare(&sql)?;
            let rows = select.query_map([run], |row| int(row, 0))?;
            Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().flatten().collect::<Vec<i64>>())
        })?;
        steps.reverse();
        Ok(steps)
    }

    fn groups(&mut self, step: i64) -> Result<Vec<RolloutGroup>, SourceError> {
        self.read(|connection, schema, run| {
            if schema.rollouts.is_empty() {
                return Ok(vec![]);
            }
            let of = |name: &str| start(&schema.rollouts, name, TITLE_BYTES);
            let number_of = |name: &str| whole(&schema.rollouts, name, NUMBER_BYTES_MAX);
            let sql = format!(
                "SELECT rowid, {}, {}, {}, {}, {}, {}, {}, {}, {} FROM rollouts WHERE run_id = ?1 AND step = ?2 ORDER BY rowid LIMIT {GROUPS_MAX}",
                number_of("group_idx"),
                number_of("mean_reward"),
                number_of("best_reward"),
                number_of("gt_lat"),
                number_of("gt_lon"),
                of("prompt_text"),
                of("city"),
                of("country"),
                of("image_path"),
            );
            let mut select = connection.prepare(&sql)?;
            let mut rows = select.query((run, step))?;
            let mut groups = vec![];
            while let Some(row) = rows.next()? {
                let mut group = RolloutGroup {
                    index: int(row, 1)?.unwrap_or(groups.len() as i64),
                    title: name(&texts(row, 6..10)?),
                    mean: number(row, 2)?,
                    best: number(row, 3)?,
                    truth: number(row, 4)?.zip(number(row, 5)?),
                    trajectories: heads(connection, schema, row.get(0)?)?,
                };
                score(&mut group);
                groups.push(group);
            }
            groups.sort_by_key(|group| group.index);
            Ok(groups)
        })
    }

    fn trajectory(&mut self, _step: i64, id: i64) -> Result<Option<Body>, SourceError> {
        self.read(|connection, schema, run| {
            if schema.rollouts.is_empty() || schema.trajectories.is_empty() {
                return Ok(None);
            }
            let text = |columns: &[String], name| start(columns, name, TEXT_BYTES_MAX + 1);
            let list = |columns: &[String], name| whole(columns, name, LIST_BYTES_MAX);
            let sql = format!(
                "SELECT rollout_id, {}, {}, {}, {} FROM trajectories WHERE rowid = ?1",
                text(&schema.trajectories, "output_text"),
                list(&schema.trajectories, "output_tokens"),
                list(&schema.trajectories, "logprobs"),
                list(&schema.trajectories, "step_rewards"),
            );
            let answer = |row: &Row| {
                let lists = [json(row, 2)?, json(row, 3)?, json(row, 4)?];
                Ok((row.get::<_, i64>(0)?, texts(row, 1..2)?.concat(), lists))
            };
            let Some((rollout, output, [words, logprobs, step_rewards])) = connection.query_row(&sql, [id], answer).optional()? else {
                return Ok(None);
            };
            let sql = format!(
                "SELECT {}, {}, {}, {} FROM rollouts WHERE rowid = ?1 AND run_id = ?2",
                text(&schema.rollouts, "prompt_text"),
                text(&schema.rollouts, "image_path"),
                text(&schema.rollouts, "city"),
                text(&schema.rollouts, "country"),
            );
            let Some(about) = connection.query_row(&sql, (rollout, run), |row| texts(row, 0..4)).optional()? else { return Ok(None) };
            let [prompt, image, city, country] = about.try_into().unwrap_or_default();
            let ((prompt, prompt_cut), (output, output_cut)) = (bounded(&prompt), bounded(&output));
            let place: Vec<&str> = [city.as_str(), country.as_str()].into_iter().filter(|word| !word.is_empty()).collect();
            let mut facts: Vec<(String, String)> = vec![];
            facts.extend((!place.is_empty()).then(|| ("place".to_owned(), title(&place.join(", ")))));
            facts.extend(fact("rewards of its turns", &step_rewards));
            Ok(Some(Body {
                id,
                prompt,
                output,
                tokens: tokens(&words, &logprobs),
                image: Some(title(&image)).filter(|image| !image.is_empty()),
                facts,
                is_cut: prompt_cut || output_cut,
            }))
        })
    }
}

fn heads(connection: &Connection, schema: &Schema, rollout: i64) -> rusqlite::Result<Vec<TrajectoryHead>> {
    if schema.trajectories.is_empty() {
        return Ok(vec![]);
    }
    let of = |name: &str| whole(&schema.trajectories, name, NUMBER_BYTES_MAX);
    let sql = format!(
        "SELECT rowid, {}, {}, {}, {}, {} FROM trajectories WHERE rollout_id = ?1 ORDER BY rowid LIMIT {TRAJECTORIES_MAX}",
        of("trajectory_idx"),
        of("reward"),
        of("pred_lat"),
        of("pred_lon"),
        of("distance_km"),
    );
    let mut select = connection.prepare(&sql)?;
    let mut rows = select.query([rollout])?;
    let mut heads = vec![];
    while let Some(row) = rows.next()? {
        heads.push(TrajectoryHead {
            id: row.get(0)?,
            index: int(row, 1)?.unwrap_or(heads.len() as i64),
            reward: number(row, 2)?,
            guess: number(row, 3)?.zip(number(row, 4)?),
            distance_km: number(row, 5)?,
        });
    }
    Ok(heads)
}

/// What a group is called: its prompt, else its place, else its picture.
fn name(texts: &[String]) -> String {
    let [prompt, city, country, image] = texts else { return String::new() };
    let place: Vec<&str> = [city.as_str(), country.as_str()].into_iter().filter(|word| !word.is_empty()).collect();
    let place = place.join(", ");
    title([prompt, &place, image].into_iter().find(|text| !text.is_empty()).map_or("", String::as_str))
}

/// A column, of a text only the start; `NULL` where there is no such column.
fn start(columns: &[String], name: &str, bytes: usize) -> String {
    let column = quoted(name);
    // As a blob, so that it is cut by bytes; half a character at the end is replaced.
    let cut = || format!("iif(typeof({column}) = 'text', substr(CAST({column} AS BLOB), 1, {bytes}), {column})");
    if columns.iter().any(|known| known == name) { cut() } else { "NULL".into() }
}

/// A column, or `NULL` where it is too large or missing.
fn whole(columns: &[String], name: &str, bytes: usize) -> String {
    let column = quoted(name);
    let capped = || format!("iif(octet_length({column}) > {bytes}, NULL, {column})");
    if columns.iter().any(|known| known == name) { capped() } else { "NULL".into() }
}

fn number(row: &Row, at: usize) -> rusqlite::Result<Option<f64>> {
    Ok(value(row.get_ref(at)?).number())
}

fn json(row: &Row, at: usize) -> rusqlite::Result<Value> {
    Ok(match value(row.get_ref(at)?) {
        Cell::Text(text) => lenient(&text).unwrap_or_default(),
        _ => Value::Null,
    })
}

/// Texts that were cut by [`start`].
fn texts(row: &Row, columns: std::ops::Range<usize>) -> rusqlite::Result<Vec<String>> {
    let text = |at| -> rusqlite::Result<String> { Ok(String::from_utf8_lossy(crate::source::io::sqlite::bytes(row, at)?).into_owned()) };
    columns.map(text).collect()
}
