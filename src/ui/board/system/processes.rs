//! The processes of the run.

use super::{
    Sieve,
    gauges::{counted, percent},
    put, rounded,
};
use crate::text;
use crate::ui::{
    host::{Host, Process},
    strip::{self, Part},
    theme::Theme,
};
use ratatui::{buffer::Buffer, layout::Rect, style::Modifier};
use serde_json::{Value, json};

/// By what the processes are sorted, and whether the other way round.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sort {
    by: By,
    back: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum By {
    #[default]
    Cpu,
    Memory,
    Threads,
    Gpu,
    Pid,
    Command,
}

/// A column: what it is sorted by, its heading, its cells (0: the rest), and how long it stays when there is little room.
const COLUMNS: [(By, &str, u16, u8); 6] = [
    (By::Pid, "PID", 8, 9),
    (By::Cpu, "CPU", 7, 8),
    (By::Memory, "MEM", 11, 7),
    (By::Threads, "THR", 6, 3),
    (By::Gpu, "GPU MEM", 11, 5),
    (By::Command, "COMMAND", 0, 9),
];

/// Cells that a command keeps before other columns give way.
const COMMAND_CELLS_MIN: u16 = 12;

impl By {
    const ALL: [(By, &str); 6] =
        [(By::Cpu, "cpu"), (By::Memory, "memory"), (By::Threads, "threads"), (By::Gpu, "gpu"), (By::Pid, "pid"), (By::Command, "command")];

    fn word(self) -> &'static str {
        By::ALL.iter().find(|(by, _)| *by == self).map_or("", |(_, word)| word)
    }
}

impl Sort {
    /// What [`Sort::parse`] takes.
    pub const WORDS: &str = "`cpu`, `memory`, `threads`, `gpu`, `pid` or `command`, perhaps behind a `-`,";

    /// By the next column.
    pub fn next(self) -> Sort {
        let at = By::ALL.iter().position(|(by, _)| *by == self.by).unwrap_or(0);
        Sort { by: By::ALL[(at + 1) % By::ALL.len()].0, back: false }
    }

    /// The other way round.
    pub fn back(self) -> Sort {
        Sort { back: !self.back, ..self }
    }

    /// As a person or a saved view writes it.
    pub fn word(self) -> String {
        format!("{}{}", if self.back { "-" } else { "" }, self.by.word())
    }

    /// Reads it; the headings of the columns, as they are drawn, mean them too.
    pub fn parse(text: &str) -> Option<Sort> {
        let (back, word) = text.strip_prefix('-').map_or((false, text), |word| (true, word));
        let headings = COLUMNS.iter().map(|(by, heading, ..)| (*by, *heading));
        let (by, _) = By::ALL.into_iter().chain(headings).find(|(_, known)| known.eq_ignore_ascii_case(word))?;
        Some(Sort { by, back })
    }

    /// The processes whose command or number fits, in order: greatest first, names and numbers from the start.
    pub fn of<'a>(self, all: &'a [Process], filter: &Sieve) -> Vec<&'a Process> {
        let mut out: Vec<&Process> =
            all.iter().filter(|process| filter.fits(&process.command) || filter.fits(&process.pid.to_string())).collect();
        out.sort_by(|a, b| {
            let order = match self.by {
                By::Cpu => b.cpu.unwrap_or(-1.0).total_cmp(&a.cpu.unwrap_or(-1.0)),
                By::Memory => b.memory.cmp(&a.memory),
                By::Threads => b.threads.cmp(&a.threads),
                By::Gpu => b.gpu_memory.cmp(&a.gpu_memory),
                By::Pid => a.pid.cmp(&b.pid),
                By::Command => a.command.cmp(&b.command),
            };
            let order = if self.back { order.reverse() } else { order };
            order.then(a.pid.cmp(&b.pid))
        });
        out
    }

    /// Whether the greatest stands on top.
    fn is_down(self) -> bool {
        matches!(self.by, By::Pid | By::Command) == self.back
    }
}

/// The list as it is to be drawn.
pub struct List<'a> {
    /// Its order.
    pub sort: Sort,
    /// The machine with all processes.
    pub all: &'a Host,
    /// Those that are listed, in order.
    pub shown: &'a [&'a Process],
    /// The first in sight.
    pub top: usize,
}

impl List<'_> {
    /// Draws a line about all, the headings, and a row for each process.
    pub fn draw(&self, theme: &Theme, area: Rect, buf: &mut Buffer) {
        let mut rows = area.rows();
        if let Some(row) = rows.next() {
            strip::draw(self.head(theme), theme, row, buf);
        }
        let columns = self.columns(area.width);
        if let Some(row) = rows.next() {
            self.headings(&columns, theme, row, buf);
        }
        for (row, process) in rows.zip(&self.shown[self.top.min(self.shown.len())..]) {
            let mut x = row.x;
            for (by, _, width, _) in &columns {
                let (text, style) = match by {
                    By::Pid => (process.pid.to_string(), theme.quiet()),
                    By::Cpu => (process.cpu.map(percent).unwrap_or_default(), theme.value()),
                    By::Memory => (text::bytes(process.memory), theme.value()),
                    By::Threads => (process.threads.map(|threads| threads.to_string()).unwrap_or_default(), theme.quiet()),
                    By::Gpu => (process.gpu_memory.map(text::bytes).unwrap_or_default(), theme.value()),
                    By::Command => (process.command.clone(), ratatui::style::Style::new()),
                };
                let text = if *width == 0 { text } else { text::fit_right(&text, usize::from(*width) - 1) + " " };
                x = put(row, x, &text, style, theme, buf);
            }
        }
    }

    fn head(&self, theme: &Theme) -> Vec<Part> {
        let (run, count) = (self.all.run(), self.all.processes.len());
        let mut parts = vec![Part::new(if count == 1 { "1 process".to_owned() } else { format!("{count} processes") }, theme.title(), 9)];
        if self.shown.len() < count {
            parts.push(Part::new(format!("{} listed", self.shown.len()), theme.warn(), 8));
        }
        if count > 0 {
            parts.extend(run.cpu.map(|cores| Part::new(format!("cpu {}", percent(cores)), theme.quiet(), 7)));
            parts.push(Part::new(format!("mem {}", text::bytes(run.memory)), theme.quiet(), 6));
            parts.extend(run.threads.map(|threads| Part::new(counted(threads, "thread"), theme.quiet(), 4)));
            parts.extend(run.gpu_memory.map(|bytes| Part::new(format!("gpu mem {}", text::bytes(bytes)), theme.quiet(), 5)));
        }
        parts
    }

    /// The columns that have something to say and fit.
    fn columns(&self, width: u16) -> Vec<(By, &'static str, u16, u8)> {
        let mut columns = COLUMNS.to_vec();
        let any = |of: fn(&Process) -> bool| self.all.processes.iter().any(of);
        columns.retain(|(by, ..)| match by {
            By::Gpu => any(|process| process.gpu_memory.is_some()),
            By::Threads => any(|process| process.threads.is_some()),
            _ => true,
        });
        while columns.iter().map(|(_, _, cells, _)| cells).sum::<u16>() + COMMAND_CELLS_MIN > width && columns.len() > 3 {
            let least = (0..columns.len()).min_by_key(|at| columns[*at].3).unwrap_or(0);
            columns.remove(least);
        }
        columns
    }

    fn headings(&self, columns: &[(By, &'static str, u16, u8)], theme: &Theme, row: Rect, buf: &mut Buffer) {
        let mut x = row.x;
        for (by, word, width, _) in columns {
            let sorted = *by == self.sort.by;
            let word = if sorted { format!("{word}{}", theme.sorted(self.sort.is_down())) } else { (*word).to_owned() };
            let word = if *width == 0 { word } else { text::fit_right(&word, usize::from(*width) - 1) + " " };
            let style = if sorted { theme.accent() } else { theme.quiet().add_modifier(Modifier::UNDERLINED) };
            x = put(row, x, &word, style, theme, buf);
        }
    }
}

/// A process in numbers: cores that it keeps busy, bytes.
pub fn told(process: &Process) -> Value {
    json!({
        "pid": process.pid, "cpu": process.cpu.map(rounded), "memory": process.memory, "threads": process.threads,
        "gpuMemory": process.gpu_memory, "command": process.command,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_are_sorted_by_any_column() {
        let process = |pid, cpu, memory, command: &str| Process { pid, cpu, memory, command: command.into(), ..Process::default() };
        let all = [process(1, Some(0.1), 30, "python a.py"), process(2, None, 20, "cat"), process(30, Some(2.0), 10, "python b.py")];
        let pids = |sort: &str, query: &str| {
            Sort::parse(sort).unwrap().of(&all, &Sieve::new(query, false)).iter().map(|process| process.pid).collect::<Vec<_>>()
        };
        assert_eq!([pids("cpu", ""), pids("-cpu", ""), pids("memory", "")], [[30, 1, 2], [2, 1, 30], [1, 2, 30]]);
        assert_eq!((pids("command", "PYTHON"), pids("pid", "3"), pids("pid", "x")), (vec![1, 30], vec![30], vec![]));
        let mut sort = Sort::default();
        for (_, word) in By::ALL {
            assert_eq!((sort.word(), Sort::parse(&sort.back().word())), (word.to_owned(), Some(sort.back())));
            sort = sort.next();
        }
        assert_eq!((sort, Sort::parse("heat")), (Sort::default(), None));
    }
}
