//! `og export`: the series of a run for other programs.

use super::{
    args::ExportArgs,
    fail::Fail,
    open::{self, Asked},
    out,
};
use crate::{
    model::MetricKey,
    query::{
        self,
        export::{self, Column},
    },
    store::RunReader,
};
use std::io::{self, BufWriter, Write};

/// `og export RUN`.
pub fn export(args: &ExportArgs) -> Result<u8, Fail> {
    let read = open::read_options(&args.read)?;
    let mut reader = open::one(&Asked { run: &args.run, name: args.run_name.as_deref(), store: &args.store, read: &read })?;
    while reader.poll(RunReader::LOAD).more {}
    reader.settle(true);
    let series = &reader.picture().series;
    let all: Vec<MetricKey> = series.keys().cloned().collect();
    let keys = match &args.keys {
        None => query::rank_keys(&all),
        Some(names) => {
            let chosen = query::select_keys(&query::parse_key_list(names), &all);
            if let Some(missing) = chosen.missing.first() {
                let some = all.iter().take(8).map(MetricKey::as_str).collect::<Vec<_>>().join(", ");
                return Err(Fail::new("unknown_key", format!("the run has no metric `{missing}`")).hint(format!("it has {some}")));
            }
            chosen.keys
        }
    };
    let columns: Vec<Column<'_>> = keys.iter().map(|key| Column::whole(key, &series[key])).collect();
    let mut out = BufWriter::new(io::stdout().lock());
    let json = args.format == "json" || args.output.json;
    let written = if json { export::json(&columns, &mut out) } else { export::csv(&columns, &mut out) };
    written.and_then(|_| out.flush()).map_err(out::broken)?;
    Ok(0)
}
