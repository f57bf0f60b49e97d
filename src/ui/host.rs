//! The machine that draws, as `/proc` and `nvidia-smi` tell of it.
//! Never here: reading them.

use crate::text;

/// How the machine is.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Host {
    /// Share of all cores that was busy since the look before, 0 to 1.
    pub cpu: Option<f64>,
    /// Bytes of memory in use, and in all.
    pub memory: Option<(u64, u64)>,
    /// Its GPUs.
    pub gpus: Vec<Gpu>,
}

/// A GPU.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Gpu {
    /// Share of the time that it was busy, 0 to 1.
    pub busy: Option<f64>,
    /// Bytes of memory in use, and in all.
    pub memory: Option<(u64, u64)>,
    /// In degrees Celsius.
    pub celsius: Option<f64>,
    /// In watts.
    pub watts: Option<f64>,
}

/// What `nvidia-smi` is asked for.
pub const GPU_QUERY: &str = "--query-gpu=utilization.gpu,memory.used,memory.total,temperature.gpu,power.draw";
/// And how it is to answer.
pub const GPU_FORMAT: &str = "--format=csv,noheader,nounits";

/// Ticks that the cores of a machine were busy, and ticks in all, since it started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ticks {
    busy: u64,
    all: u64,
}

impl Ticks {
    /// Reads `/proc/stat`. Source: proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal.
    pub fn parse(stat: &str) -> Option<Ticks> {
        let cells: Vec<u64> = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace().map_while(|cell| cell.parse().ok()).collect();
        let all = cells.iter().take(8).sum();
        let idle = cells.get(3)? + cells.get(4).unwrap_or(&0);
        Some(Ticks { busy: u64::checked_sub(all, idle)?, all })
    }

    /// The busy share of the time since an earlier look; `None` when no tick passed.
    pub fn since(self, earlier: Ticks) -> Option<f64> {
        let all = self.all.checked_sub(earlier.all).filter(|all| *all > 0)?;
        Some(self.busy.saturating_sub(earlier.busy) as f64 / all as f64)
    }
}

/// Memory in use and in all, of `/proc/meminfo`.
pub fn memory(meminfo: &str) -> Option<(u64, u64)> {
    let bytes = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(line.split_whitespace().next()?.parse::<u64>().ok()? << 10)
    };
    let all = bytes("MemTotal")?;
    Some((all.saturating_sub(bytes("MemAvailable")?), all))
}

/// The GPUs that `nvidia-smi` lists, one a line; what it does not know (`[N/A]`) is `None`.
pub fn gpus(listed: &str) -> Vec<Gpu> {
    let gpu = |line: &str| {
        let cells: Vec<Option<f64>> = line.split(',').map(|cell| cell.trim().parse().ok()).collect();
        let [busy, used, all, celsius, watts] = cells.try_into().ok()?;
        let bytes = |mib: f64| (mib * f64::from(1u32 << 20)) as u64;
        Some(Gpu {
            busy: busy.map(|percent| percent / 100.0),
            memory: used.zip(all).map(|(used, all)| (bytes(used), bytes(all))),
            celsius,
            watts,
        })
    };
    listed.lines().filter_map(gpu).collect()
}

impl Host {
    /// `cpu 31%  mem 12.4/64 GiB  gpu 97% 71.2/80 GiB 61°C`: busiest first where there are several GPUs.
    pub fn words(&self) -> String {
        let share = |(used, all): (u64, u64)| format!("{}/{}", text::bytes(used), text::bytes(all));
        let mut words: Vec<String> = vec![];
        words.extend(self.cpu.map(|busy| format!("cpu {}", text::percent(busy))));
        words.extend(self.memory.map(|memory| format!("mem {}", share(memory))));
        let name = |n: usize| if self.gpus.len() == 1 { "gpu".to_owned() } else { format!("gpu{n}") };
        for (n, gpu) in self.gpus.iter().enumerate() {
            let parts = [gpu.busy.map(text::percent), gpu.memory.map(share), gpu.celsius.map(|c| format!("{c:.0}C"))];
            let parts: Vec<String> = std::iter::once(name(n)).chain(parts.into_iter().flatten()).collect();
            words.push(parts.join(" "));
        }
        words.join("  ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_how_busy_it_was() {
        let before = Ticks::parse("cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1 2 3\n").unwrap();
        let after = Ticks::parse("cpu  150 0 150 750 150 0 0 0 0 0\n").unwrap();
        assert_eq!(after.since(before), Some(0.5));
        assert_eq!((before.since(after), after.since(after), Ticks::parse("")), (None, None, None));
        assert_eq!(memory("MemTotal:  1024 kB\nMemFree: 1 kB\nMemAvailable:   256 kB\n"), Some((768 << 10, 1024 << 10)));
        assert_eq!(memory("MemTotal: lots"), None);
    }

    #[test]
    fn gpus_are_listed_with_what_they_know() {
        let listed = gpus("97, 72960, 81559, 61, 512.10\n[N/A], [N/A], [N/A], 40, [N/A]\nno line\n");
        assert_eq!((listed.len(), listed[0].busy, listed[1].memory, listed[1].celsius), (2, Some(0.97), None, Some(40.0)));
        let host = Host { cpu: Some(0.31), memory: Some((3 << 30, 4 << 30)), gpus: listed[..1].to_vec() };
        assert_eq!(host.words(), "cpu 31%  mem 3 GiB/4 GiB  gpu 97% 71.2 GiB/79.6 GiB 61C");
    }
}
