//! `og view`: the board in this terminal, or in a file.

use super::{
    args::{StoreArgs, ViewArgs},
    fail::Fail,
    open::{self, Found},
};
use crate::{
    query,
    store::{RunReader, Store, Whereabouts},
    ui::{self, Looks, Picture},
};

/// `og view [PATH|RUN]`.
pub fn view(args: ViewArgs) -> Result<u8, Fail> {
    let asked = match args.run {
        Some(run) => run,
        None => latest(&args.store)?,
    };
    let reader = one(&asked, args.run_name.as_deref(), &args.store)?;
    let graphs = args.graphs.as_deref().map(query::parse_key_list).unwrap_or_default();
    let looks = Looks { no_colour: args.no_color, ascii: args.ascii, scheme: args.theme, frame: args.ui };
    match args.shot {
        Some(path) => {
            let picture = Picture { size: args.size, set: args.set, path };
            ui::picture(reader, graphs, looks, &picture).map_err(|error| Fail::of("shot", &error, None))?;
        }
        None => ui::view(reader, graphs, looks, args.set)?,
    }
    Ok(0)
}

/// The one run that is meant.
pub fn one(asked: &str, name: Option<&str>, store: &StoreArgs) -> Result<RunReader, Fail> {
    match open::find(asked, name, store)? {
        Found::One(reader) => Ok(*reader),
        Found::Several(runs) => {
            let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).take(5).collect();
            let more = if runs.len() > names.len() { ", ..." } else { "" };
            Err(Fail::usage(format!("{asked} holds {} runs", runs.len())).hint(format!("name one with --run: {}{more}", names.join(", "))))
        }
    }
}

/// The newest run of the store.
fn latest(args: &StoreArgs) -> Result<String, Fail> {
    let store = Store::find(&Whereabouts::of_process(args.store.clone())?);
    let newest = match &store {
        Some(store) => store.runs()?.first().map(|run| store.run(run).path().display().to_string()),
        None => None,
    };
    newest.ok_or_else(|| {
        Fail::new("no_run", "there is no run here yet").hint("name a file or a folder: `og view PATH`; or start one: `og run train.py`")
    })
}
