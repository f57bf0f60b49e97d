//! Series as a table or as JSON, for other programs.

use crate::model::{MetricKey, Point, Series, WallTime, num};
use serde_json::{Value, json};
use std::{
    io::{self, Write},
    ops::Range,
};

/// A part of a series to be written.
#[derive(Clone, Debug)]
pub struct Column<'a> {
    /// Its name.
    pub key: &'a MetricKey,
    /// Its points.
    pub series: &'a Series,
    /// Which of them.
    pub range: Range<usize>,
}

impl<'a> Column<'a> {
    /// All points of a series.
    pub fn whole(key: &'a MetricKey, series: &'a Series) -> Column<'a> {
        Column { key, series, range: 0..series.len() }
    }
}

/// Writes one row for each step that any of the series has: `step,time,KEY,...`; a series without a point at that step
/// has an empty cell. Times are Unix seconds, of the first of the series that has one there. How many rows there were.
pub fn csv(columns: &[Column<'_>], out: &mut dyn Write) -> io::Result<u64> {
    write!(out, "step,time")?;
    columns.iter().try_for_each(|column| write!(out, ",{}", quoted(column.key.as_str())))?;
    writeln!(out)?;
    let mut heads: Vec<_> = columns.iter().map(|column| column.series.points(column.range.clone()).peekable()).collect();
    let mut rows = 0;
    while let Some(step) = heads.iter_mut().filter_map(|head| Some(head.peek()?.step)).min() {
        let row: Vec<Option<Point>> = heads.iter_mut().map(|head| head.next_if(|point| point.step == step)).collect();
        let time = row.iter().flatten().find_map(|point| point.time);
        write!(out, "{},{}", step.0, time.map_or_else(String::new, |time| format!("{:.3}", time.secs())))?;
        for point in row {
            match point.map(|point| num::to_json(point.value)) {
                None => write!(out, ",")?,
                Some(Value::String(word)) => write!(out, ",{word}")?,
                Some(number) => write!(out, ",{number}")?,
            }
        }
        writeln!(out)?;
        rows += 1;
    }
    Ok(rows)
}

/// A cell as RFC 4180 wants it.
fn quoted(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

/// Writes `{"KEY": [{"step", "time", "value"}, ...], ...}`. How many points there were.
pub fn json(columns: &[Column<'_>], out: &mut dyn Write) -> io::Result<u64> {
    let mut points = 0;
    write!(out, "{{")?;
    for (i, column) in columns.iter().enumerate() {
        write!(out, "{}{}: [", if i > 0 { ",\n" } else { "\n" }, Value::from(column.key.as_str()))?;
        for (j, point) in column.series.points(column.range.clone()).enumerate() {
            let cell = json!({"step": point.step.0, "time": point.time.map(WallTime::secs), "value": num::to_json(point.value)});
            write!(out, "{}{cell}", if j > 0 { ",\n" } else { "\n" })?;
            points += 1;
        }
        write!(out, "]")?;
    }
    writeln!(out, "\n}}")?;
    Ok(points)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Step;

    fn series(points: &[(i64, f64)]) -> Series {
        let mut series = Series::new();
        points
            .iter()
            .for_each(|(step, value)| series.push(Point { step: Step(*step), time: WallTime::new(1e9 + *step as f64), value: *value }));
        series
    }

    #[test]
    fn rows_are_joined_by_step_and_holes_stay_empty() {
        let (loss, acc) = (series(&[(1, 2.5), (2, f64::NAN), (4, 1.0)]), series(&[(2, 0.5), (3, f64::INFINITY)]));
        let (a, b): (MetricKey, MetricKey) = ("loss".into(), "acc, \"val\"".into());
        let columns = [Column::whole(&a, &loss), Column::whole(&b, &acc)];
        let mut out = vec![];
        assert_eq!(csv(&columns, &mut out).unwrap(), 4);
        let want = "step,time,loss,\"acc, \"\"val\"\"\"\n1,1000000001.000,2.5,\n2,1000000002.000,NaN,0.5\n\
                    3,1000000003.000,,Infinity\n4,1000000004.000,1.0,\n";
        assert_eq!(String::from_utf8(out).unwrap(), want);
        let mut out = vec![];
        assert_eq!(json(&columns, &mut out).unwrap(), 5);
        let read: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(read["loss"][1], json!({"step": 2, "time": 1_000_000_002.0, "value": "NaN"}));
        assert_eq!(read["acc, \"val\""].as_array().unwrap().len(), 2);
    }

    #[test]
    fn nothing_is_a_head_and_an_object() {
        let (mut table, mut object) = (vec![], vec![]);
        assert_eq!((csv(&[], &mut table).unwrap(), json(&[], &mut object).unwrap()), (0, 0));
        assert_eq!(table, b"step,time\n");
        assert_eq!(serde_json::from_slice::<Value>(&object).unwrap(), json!({}));
    }
}
