//! How the machine is now: a bar a row, with words behind it.

use super::{put, rounded};
use crate::text;
use crate::ui::{
    host::{Gpu, Host, share},
    strip::{self, Part},
    theme::Theme,
};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use serde_json::{Value, json};

/// Cells of the name before a bar, its space included.
const NAME: u16 = 6;
/// Words behind a bar need at least so many cells.
const WORDS_CELLS_MIN: u16 = 12;
/// Cells of a percent behind a bar, its space included.
const PERCENT: u16 = 5;
/// A bar has at least so many cells between its brackets, and no more than so many.
const BAR: (u16, u16) = (6, 40);
/// Cells of a core with its own bar: number, brackets, bar, percent, space.
const CORE: u16 = 16;
/// More rows of cores with bars than this, and a sign for each must do.
const CORE_ROWS_MAX: usize = 2;
/// More rows of such signs would be a wall.
const SIGN_ROWS_MAX: usize = 4;

/// A row: bars, or what has none.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    name: String,
    what: What,
    /// Rows with a higher rank stay longer.
    rank: u8,
}

#[derive(Clone, PartialEq, Debug)]
enum What {
    /// A bar so full, its percent, and more words. A `scarce` thing is bad when it runs out.
    Bar { share: f64, scarce: bool, words: Vec<Words> },
    /// Only words.
    Words(Vec<Words>),
    /// Cores from this one on, each with a bar.
    Cores(usize, Vec<f64>),
    /// A sign for each core.
    Signs(Vec<f64>),
}

/// Words, how they look, and how long they stay when there is little room.
type Words = (String, Style, u8);

/// What there is to say of `host`, in at most `room` rows of this width. `is_here`: the training runs on it.
pub fn rows(host: &Host, is_here: bool, (width, room): (u16, u16), theme: &Theme) -> Vec<Row> {
    let mut rows = all(host, is_here, width, false, theme);
    if rows.len() > usize::from(room) {
        rows = all(host, is_here, width, true, theme);
    }
    while rows.len() > usize::from(room) {
        let least = (0..rows.len()).rev().min_by_key(|at| rows[*at].rank).unwrap_or(0);
        rows.remove(least);
    }
    rows
}

/// All rows; the `brief` form has the GPUs in as few as cores take.
fn all(host: &Host, is_here: bool, width: u16, brief: bool, theme: &Theme) -> Vec<Row> {
    let (value, quiet) = (theme.value(), theme.quiet());
    let run = host.run();
    let own = |text: String, rank: u8| (format!("run {text}"), value, rank);
    let mut rows = vec![];
    let mut add = |name: &str, rank: u8, what: What| rows.push(Row { name: name.to_owned(), what, rank });
    let load = host.load.map(|load| (format!("load {:.2} {:.2} {:.2}", load[0], load[1], load[2]), quiet, 3));
    let busy = run.cpu.filter(|_| is_here).map(|busy| format!("run {} of ", text::number(busy, 2)));
    let cores = match (busy, host.cores.len()) {
        (_, 0) => None,
        (busy, count) => Some((format!("{}{}", busy.unwrap_or_default(), counted(count, "core")), value, 8)),
    };
    let words: Vec<Words> = cores.into_iter().chain(load).collect();
    match host.cpu {
        Some(share) => add("cpu", 9, What::Bar { share, scarce: false, words }),
        None => add("cpu", 9, What::Words([("counting...".to_owned(), quiet, 9)].into_iter().chain(words).collect())),
    }
    if host.cores.len() > 1 {
        many("cores", &host.cores, width).into_iter().enumerate().for_each(|(n, (name, what))| add(name, if n == 0 { 3 } else { 2 }, what));
    }
    if let Some(memory) = host.memory {
        let own = (!host.processes.is_empty()).then(|| own(text::bytes(run.memory), 7));
        let swap = host.swap.filter(|(used, _)| *used > 0).map(|swap| (format!("swap {}", of(swap)), quiet, 4));
        let words = [(of(memory), quiet, 8)].into_iter().chain(own).chain(swap).collect();
        add("mem", 7, What::Bar { share: share(memory), scarce: true, words });
    }
    if brief && host.gpus.len() > 1 {
        let busy: Vec<f64> = host.gpus.iter().filter_map(|gpu| gpu.busy).collect();
        let least = busy.iter().copied().fold(f64::INFINITY, f64::min);
        let hottest = host.gpus.iter().filter_map(|gpu| gpu.celsius).fold(f64::NEG_INFINITY, f64::max);
        let mut words: Vec<Words> = vec![(format!("mean of {}", host.gpus.len()), quiet, 7)];
        if !busy.is_empty() {
            words.push((format!("least {}", percent(least)), value, 8));
        }
        if hottest.is_finite() {
            words.push((format!("up to {hottest:.0} C"), quiet, 6));
        }
        match busy.is_empty() {
            true => add("gpus", 8, What::Words(words)),
            false => add("gpus", 8, What::Bar { share: busy.iter().sum::<f64>() / busy.len() as f64, scarce: false, words }),
        }
        if let Some(memory) =
            host.gpus.iter().filter_map(|gpu| gpu.memory).reduce(|a, b| (a.0.saturating_add(b.0), a.1.saturating_add(b.1)))
        {
            add("vram", 6, What::Bar { share: share(memory), scarce: true, words: vec![(of(memory), quiet, 8)] });
        }
    }
    for (n, gpu) in host.gpus.iter().enumerate().filter(|_| !brief || host.gpus.len() == 1) {
        let words = gpu_words(gpu, value, quiet);
        let what = match gpu.busy {
            Some(share) => What::Bar { share, scarce: false, words },
            None => What::Words(words),
        };
        add(&host.gpu_word(n), 8, what);
    }
    let rate = |word: &str, rate: f64, rank: u8| (format!("{word} {}", per_second(rate)), value, rank);
    let rates = host.disk_rates.map(|(read, wrote)| [rate("read", read, 6), rate("write", wrote, 7)]);
    if let Some(disk) = &host.disk {
        let mut words = vec![(format!("{} free", text::bytes(disk.free)), quiet, 8)];
        words.extend(rates.into_iter().flatten());
        words.push((if disk.mount.is_empty() { String::new() } else { format!("on {}", disk.mount) }, quiet, 3));
        let used = disk.all.saturating_sub(disk.free);
        add("disk", 5, What::Bar { share: share((used, disk.all)), scarce: true, words });
    }
    if let Some((came, went)) = host.network {
        add("net", 4, What::Words(vec![rate("in", came, 9), rate("out", went, 8)]));
    }
    rows
}

/// Rows for many of a kind: each with a bar, or where those are too many, with a sign.
fn many(name: &'static str, shares: &[f64], width: u16) -> Vec<(&'static str, What)> {
    let bars = usize::from((width.saturating_sub(NAME) / CORE).max(1));
    let signs = usize::from(width.saturating_sub(NAME).max(1));
    let name = |n: usize| if n == 0 { name } else { "" };
    if width >= NAME + CORE && shares.len().div_ceil(bars) <= CORE_ROWS_MAX {
        shares.chunks(bars).enumerate().map(|(n, some)| (name(n), What::Cores(n * bars, some.to_vec()))).collect()
    } else {
        shares.chunks(signs).take(SIGN_ROWS_MAX).enumerate().map(|(n, some)| (name(n), What::Signs(some.to_vec()))).collect()
    }
}

fn gpu_words(gpu: &Gpu, value: Style, quiet: Style) -> Vec<Words> {
    let watts = gpu.watts.map(|watts| match gpu.watts_max {
        Some(max) => format!("{watts:.0}/{max:.0} W"),
        None => format!("{watts:.0} W"),
    });
    let memory = gpu.memory.map(|memory| (format!("mem {}", percent(share(memory))), value, 8));
    let bytes = gpu.memory.map(|memory| (of(memory), quiet, 6));
    let celsius = gpu.celsius.map(|celsius| (format!("{celsius:.0} C"), value, 7));
    let all = [memory, bytes, celsius, watts.map(|watts| (watts, value, 5)), Some((gpu.name.clone(), quiet, 3))];
    all.into_iter().flatten().collect()
}

/// A rate of bytes in at most ten cells.
pub fn per_second(rate: f64) -> String {
    format!("{}/s", text::bytes(rate.max(0.0) as u64))
}

fn of((used, all): (u64, u64)) -> String {
    format!("{} of {}", text::bytes(used), text::bytes(all))
}

/// `1 core`, `8 cores`.
pub fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Whole percent: the tenths of a load are noise.
pub fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

impl Row {
    /// Draws it.
    pub fn draw(&self, theme: &Theme, row: Rect, buf: &mut Buffer) {
        put(row, row.x, &self.name, theme.title(), theme, buf);
        let rest = Rect { x: (row.x + NAME).min(row.right()), width: row.width.saturating_sub(NAME), ..row };
        match &self.what {
            What::Bar { share, scarce, words } => {
                let x = bar(*share, *scarce, bar_cells(row.width), theme, rest, buf);
                let x = put(
                    row,
                    x,
                    &text::fit_right(&percent(*share), usize::from(PERCENT.min(row.right().saturating_sub(x)))),
                    theme.value(),
                    theme,
                    buf,
                );
                let rest = Rect { x: (x + 2).min(row.right()), width: row.right().saturating_sub(x + 2), ..row };
                // Less room would hold the start of a word.
                if rest.width >= WORDS_CELLS_MIN {
                    strip::draw(parts(words), theme, rest, buf);
                }
            }
            What::Words(words) => strip::draw(parts(words), theme, rest, buf),
            What::Cores(first, cores) => {
                for (n, share) in cores.iter().enumerate() {
                    let place = Rect { x: rest.x + n as u16 * CORE, width: CORE - 1, ..rest };
                    let x = put(place, place.x, &text::fit_right(&(first + n).to_string(), 3), theme.quiet(), theme, buf);
                    let x = bar(*share, false, 6, theme, Rect { x, width: place.right() - x, ..place }, buf);
                    put(place, x, &text::fit_right(&percent(*share), 4), theme.quiet(), theme, buf);
                }
            }
            What::Signs(cores) => {
                let steps = theme.spark();
                for (x, share) in (rest.x..rest.right()).zip(cores) {
                    let step = ((share * steps.len() as f64) as usize).min(steps.len() - 1);
                    put(rest, x, steps[step], theme.curve(), theme, buf);
                }
            }
        }
    }

    /// Its name and its percent, as they stand in a row of this width.
    pub fn told(&self, width: u16) -> Option<Value> {
        match &self.what {
            What::Bar { share, .. } if width >= NAME + PERCENT => Some(json!({"name": self.name, "percent": percent(*share)})),
            _ => None,
        }
    }
}

/// Cells between the brackets of a bar on a row of this width; 0: no bar.
fn bar_cells(width: u16) -> u16 {
    let cells = (width / 4).min(BAR.1);
    if cells < BAR.0 { 0 } else { cells }
}

/// Draws `[####....]` and returns the column behind it.
fn bar(share: f64, scarce: bool, cells: u16, theme: &Theme, row: Rect, buf: &mut Buffer) -> u16 {
    if cells == 0 || row.width < cells + 2 {
        return row.x;
    }
    let full = (share * f64::from(cells)).round() as u16;
    let style = match share {
        share if scarce && share >= 0.97 => theme.bad(),
        share if scarce && share >= 0.9 => theme.warn(),
        _ => theme.curve(),
    };
    let (on, off) = theme.bar();
    let mut x = put(row, row.x, "[", theme.faint(), theme, buf);
    for n in 0..cells {
        let (sign, style) = if n < full { (on, style) } else { (off, theme.faint()) };
        x = put(row, x, sign, style, theme, buf);
    }
    put(row, x, "]", theme.faint(), theme, buf)
}

fn parts(words: &[Words]) -> Vec<Part> {
    words.iter().map(|(text, style, rank)| Part::new(text.as_str(), *style, *rank)).collect()
}

/// The machine in numbers: shares from 0 to 1, bytes, bytes a second.
pub fn told(host: &Host) -> Value {
    let pair = |names: [&str; 2], pair: Option<(f64, f64)>| pair.map(|(a, b)| json!({names[0]: a.round(), names[1]: b.round()}));
    let memory = |memory: Option<(u64, u64)>| memory.map(|(used, all)| json!({"used": used, "all": all}));
    let gpus: Vec<Value> = host
        .gpus
        .iter()
        .map(|gpu| {
            json!({
                "name": gpu.name, "busy": gpu.busy.map(rounded), "memory": memory(gpu.memory), "celsius": gpu.celsius,
                "watts": gpu.watts.map(rounded), "wattsMax": gpu.watts_max.map(rounded),
            })
        })
        .collect();
    json!({
        "at": rounded(host.at), "cpu": host.cpu.map(rounded), "cores": host.cores.iter().copied().map(rounded).collect::<Vec<_>>(),
        "load": host.load.map(|load| load.map(rounded)), "memory": memory(host.memory), "swap": memory(host.swap),
        "disk": host.disk.as_ref().map(|disk| json!({"free": disk.free, "all": disk.all, "mount": disk.mount})),
        "diskRates": pair(["read", "write"], host.disk_rates), "network": pair(["in", "out"], host.network), "gpus": gpus,
    })
}
