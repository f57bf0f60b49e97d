//! The machine that a run is on: how it is now, and how it was while somebody looked.
//! Never here: looking at it.

use crate::ipc::wire::{GpuMeanView, GpuView, SystemView};
use crate::model::{SeriesMap, WallTime};
use crate::query;
use crate::store::{Samples, SourceRank};
use crate::text;

/// How the machine is. What it does not tell is `None` or empty.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Host {
    /// When it was looked at, Unix seconds.
    pub at: f64,
    /// Share of all cores that was busy since the look before, 0 to 1.
    pub cpu: Option<f64>,
    /// The same for each core.
    pub cores: Vec<f64>,
    /// Processes that ran or waited to run, as a mean over 1, 5 and 15 minutes.
    pub load: Option<[f64; 3]>,
    /// Bytes of memory in use, and in all.
    pub memory: Option<(u64, u64)>,
    /// Bytes of swap space in use, and in all.
    pub swap: Option<(u64, u64)>,
    /// The file system that the run writes to.
    pub disk: Option<Disk>,
    /// Bytes a second that its disk read and wrote since the look before.
    pub disk_rates: Option<(f64, f64)>,
    /// Bytes a second that came in from the network and went out since the look before.
    pub network: Option<(f64, f64)>,
    /// Its GPUs.
    pub gpus: Vec<Gpu>,
    /// The training process and all that it started, in order of their ids; empty when nobody asked.
    pub processes: Vec<Process>,
}

/// A file system.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Disk {
    /// Bytes that may still be written.
    pub free: u64,
    /// Bytes in all.
    pub all: u64,
    /// Where it is mounted, as far as that is known.
    pub mount: String,
}

/// A GPU.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Gpu {
    /// Its maker's name for it.
    pub name: String,
    /// Share of the time that it was busy, 0 to 1.
    pub busy: Option<f64>,
    /// Bytes of memory in use, and in all.
    pub memory: Option<(u64, u64)>,
    /// In degrees Celsius.
    pub celsius: Option<f64>,
    /// In watts.
    pub watts: Option<f64>,
    /// Watts that it may draw.
    pub watts_max: Option<f64>,
}

/// A process of the run.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its command line, or its name.
    pub command: String,
    /// Cores that it kept busy since the look before.
    pub cpu: Option<f64>,
    /// Bytes of memory that it has in RAM.
    pub memory: u64,
    /// Its threads.
    pub threads: Option<usize>,
    /// Bytes that it has on GPUs.
    pub gpu_memory: Option<u64>,
}

/// The machine, now and before.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// How it was when it was last looked at.
    pub last: Host,
    past: Samples,
}

impl Machine {
    /// Samples kept at least: ten minutes of one every two seconds.
    const KEPT: usize = 300;

    /// Takes a look in.
    pub fn take(&mut self, host: Host) {
        self.past.take(SourceRank::Own, WallTime::new(host.at), host.samples());
        self.past.keep(Machine::KEPT);
        self.last = host;
    }

    /// How it was, by the names that [`Host::samples`] gives.
    pub fn past(&self) -> &SeriesMap {
        self.past.series()
    }
}

/// Bytes in a mebibyte.
const MIB: f64 = (1u32 << 20) as f64;

/// A part of a whole as a share, 0 to 1.
pub fn share((part, whole): (u64, u64)) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

impl Host {
    /// What charts show of it: names as wandb has them, so that the samples of a run and ours are drawn alike.
    pub fn samples(&self) -> Vec<(String, f64)> {
        let mut out: Vec<(String, f64)> = vec![];
        let mut put = |name: &str, value: Option<f64>| out.extend(value.map(|value| (name.to_owned(), value)));
        put("cpu_percent", self.cpu.map(|share| share * 100.0));
        for (n, busy) in self.cores.iter().enumerate() {
            put(&format!("cpu.{n}.cpu_percent"), Some(busy * 100.0));
        }
        put("memory_percent", self.memory.map(|memory| share(memory) * 100.0));
        put("disk.read_mb_per_sec", self.disk_rates.map(|(read, _)| read / MIB));
        put("disk.write_mb_per_sec", self.disk_rates.map(|(_, write)| write / MIB));
        put("network.recv_mb_per_sec", self.network.map(|(came, _)| came / MIB));
        put("network.sent_mb_per_sec", self.network.map(|(_, went)| went / MIB));
        for (n, gpu) in self.gpus.iter().enumerate() {
            put(&format!("gpu.{n}.gpu"), gpu.busy.map(|share| share * 100.0));
            put(&format!("gpu.{n}.memoryAllocated"), gpu.memory.map(|memory| share(memory) * 100.0));
            put(&format!("gpu.{n}.temp"), gpu.celsius);
            put(&format!("gpu.{n}.powerWatts"), gpu.watts);
        }
        let run = self.run();
        put("run.cpu_percent", run.cpu.map(|cores| cores * 100.0));
        put("run.memory_gb", (!self.processes.is_empty()).then(|| run.memory as f64 / MIB / 1024.0));
        out
    }

    /// All processes of the run as one.
    pub fn run(&self) -> Process {
        let sum = |a: Option<f64>, b: Option<f64>| a.zip(b).map(|(a, b)| a + b).or(a).or(b);
        self.processes.iter().fold(Process::default(), |all, one| Process {
            cpu: sum(all.cpu, one.cpu),
            memory: all.memory + one.memory,
            threads: Some(all.threads.unwrap_or(0) + one.threads.unwrap_or(0)),
            gpu_memory: all.gpu_memory.zip(one.gpu_memory).map(|(a, b)| a + b).or(all.gpu_memory).or(one.gpu_memory),
            ..all
        })
    }

    /// `cpu 31%  mem 12.4 GiB/64 GiB  gpu 97% 71.2 GiB/80 GiB 61C`.
    pub fn words(&self) -> String {
        let share = |(used, all): (u64, u64)| format!("{}/{}", text::bytes(used), text::bytes(all));
        let mut words: Vec<String> = vec![];
        words.extend(self.cpu.map(|busy| format!("cpu {}", text::percent(busy))));
        words.extend(self.memory.map(|memory| format!("mem {}", share(memory))));
        for (n, gpu) in self.gpus.iter().enumerate() {
            let parts = [gpu.busy.map(text::percent), gpu.memory.map(share), gpu.celsius.map(|c| format!("{c:.0}C"))];
            let parts: Vec<String> = std::iter::once(self.gpu_word(n)).chain(parts.into_iter().flatten()).collect();
            words.push(parts.join(" "));
        }
        words.join("  ")
    }

    /// The same for agents.
    pub fn told(&self) -> SystemView {
        let percent = |share: f64| (share * 1000.0).round() / 10.0;
        let gpu = |(n, gpu): (usize, &Gpu)| GpuView {
            index: n as u32,
            name: Some(gpu.name.clone()).filter(|name| !name.is_empty()),
            utilization: gpu.busy.map(percent),
            memory: gpu.memory.map(|memory| percent(share(memory))),
            celsius: gpu.celsius,
            watts: gpu.watts,
        };
        let gpus: Vec<GpuView> = self.gpus.iter().enumerate().map(gpu).collect();
        let mean = GpuMeanView {
            utilization: query::mean(gpus.iter().map(|gpu| gpu.utilization)),
            memory: query::mean(gpus.iter().map(|gpu| gpu.memory)),
        };
        SystemView {
            at: jiff::Timestamp::from_millisecond((self.at * 1e3) as i64).ok().map(|at| at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()),
            source: "host".into(),
            cpu: self.cpu.map(percent),
            memory: self.memory.map(|memory| percent(share(memory))),
            gpu: (!gpus.is_empty()).then_some(mean),
            gpus,
        }
    }

    /// `gpu`, or `gpu3` where there are several.
    pub fn gpu_word(&self, n: usize) -> String {
        if self.gpus.len() == 1 { "gpu".to_owned() } else { format!("gpu{n}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_told_in_a_line() {
        let gpu = Gpu { busy: Some(0.97), memory: Some((72_960 << 20, 81_559 << 20)), celsius: Some(61.0), ..Gpu::default() };
        let mut host = Host { cpu: Some(0.31), memory: Some((3 << 30, 4 << 30)), gpus: vec![gpu], ..Host::default() };
        assert_eq!(host.words(), "cpu 31%  mem 3 GiB/4 GiB  gpu 97% 71.2 GiB/79.6 GiB 61C");
        let told = host.told();
        assert_eq!((told.cpu, told.memory, told.gpu.unwrap().utilization), (Some(31.0), Some(75.0), Some(97.0)));
        assert_eq!((told.gpus[0].memory, told.gpus[0].celsius), (Some(89.5), Some(61.0)));
        assert_eq!(Host::default().told().gpu, None);
        host.gpus.push(Gpu::default());
        assert!(host.words().ends_with("61C  gpu1"));
        assert_eq!(Host::default().words(), "");
    }

    #[test]
    fn the_past_is_kept_for_a_while_and_knows_only_what_was_seen() {
        let mut machine = Machine::default();
        for second in 0..2000 {
            let cpu = (second > 0).then_some(0.5);
            let process = |pid| Process { pid, cpu, memory: 1 << 30, ..Process::default() };
            machine.take(Host { at: f64::from(second), cpu, processes: vec![process(1), process(2)], ..Host::default() });
        }
        let past = machine.past();
        assert!((Machine::KEPT..2 * Machine::KEPT).contains(&past.get("cpu_percent").unwrap().len()));
        let last = |name: &str| past.get(name).and_then(|series| series.last()).map(|point| point.value);
        assert_eq!(
            [last("run.cpu_percent"), last("run.memory_gb"), last("gpu.0.gpu"), last("memory_percent")],
            [Some(100.0), Some(2.0), None, None]
        );
    }
}
