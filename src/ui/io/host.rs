//! Looks at the machine, on a thread of its own: a file system that hangs or a slow driver must not hold a key up.

use super::wake::Woken;
use crate::ui::host::{Disk, Gpu, Host, Machine, Process};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use sysinfo::{CpuRefreshKind, DiskRefreshKind, Disks, Networks, Pid, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

/// Rest between two looks: a share of busy time over less is noise.
pub const REST: Duration = Duration::from_secs(2);
/// Rest behind the first look, which cannot tell how busy anything is.
pub const FIRST_REST: Duration = Duration::from_millis(500);
/// What was counted since a look longer ago than this says nothing of now.
const STALE: Duration = Duration::from_secs(10);
/// Processes told of. A training has a few per GPU; one that forks without end must not fill memory.
const PROCESSES_MAX: usize = 512;
/// Characters kept of a command line; no screen is wider.
const COMMAND_CHARS_MAX: usize = 400;
/// Interfaces that carry again what another one carries: loopback, bridges and the ends of containers.
const INNER_INTERFACES: &[&str] = &["lo", "veth", "docker", "br-", "virbr", "cni", "flannel", "cali", "tun", "tap"];

/// What to look at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ask {
    /// The training process, when its processes are wanted, and disk and network with them.
    pub run: Option<u32>,
    /// A folder on the file system that is meant.
    pub folder: PathBuf,
}

/// The machine, as it was seen last, and who looks at it.
#[derive(Default)]
pub struct Sampler {
    machine: Option<Machine>,
    ask: Option<SyncSender<Ask>>,
    asked_at: Option<Instant>,
    /// It is being looked at.
    waiting: bool,
    /// It cannot be looked at.
    blind: bool,
}

impl Sampler {
    /// What was seen.
    pub fn machine(&self) -> Option<&Machine> {
        self.machine.as_ref()
    }

    /// The rest before the next look.
    pub fn rest(&self) -> Duration {
        if self.machine.as_ref().is_some_and(|machine| machine.last.cpu.is_some()) { REST } else { FIRST_REST }
    }

    /// Asks for a look, unless the last one was just now or is not done; what it finds comes as [`Woken::Host`].
    pub fn ask(&mut self, ask: Ask, tell: &SyncSender<Woken>) {
        let now = Instant::now();
        // A timer may be early by less than it can be told.
        let rests = self.asked_at.is_some_and(|at| now - at + Duration::from_millis(50) < self.rest());
        if rests || self.waiting || self.blind {
            return;
        }
        if self.ask.is_none() {
            let (ask, asked) = sync_channel(1);
            let tell = tell.clone();
            match thread::Builder::new().name("og-host".into()).spawn(move || watch(&asked, &tell)) {
                Ok(_) => self.ask = Some(ask),
                Err(_) => self.blind = true,
            }
        }
        match self.ask.as_ref().map(|thread| thread.try_send(ask)) {
            Some(Ok(())) => (self.asked_at, self.waiting) = (Some(now), true),
            Some(Err(TrySendError::Disconnected(_))) => self.blind = true,
            Some(Err(TrySendError::Full(_))) | None => {}
        }
    }

    /// Takes what was seen.
    pub fn take(&mut self, host: Host) {
        self.waiting = false;
        self.machine.get_or_insert_default().take(host);
    }
}

fn watch(asked: &Receiver<Ask>, tell: &SyncSender<Woken>) {
    let Ok(mut eyes) = Eyes::open() else { return };
    while let Ok(ask) = asked.recv() {
        if tell.send(Woken::Host(Box::new(eyes.look(&ask)))).is_err() {
            return;
        }
    }
}

struct Eyes {
    system: System,
    disks: Option<Disks>,
    networks: Option<Networks>,
    gpus: gpu::Gpus,
    /// The last look, and the last one at processes, disk and network.
    looked_at: [Option<Instant>; 2],
}

impl Eyes {
    fn open() -> Result<Eyes, sysinfo::Error> {
        Ok(Eyes { system: System::new()?, disks: None, networks: None, gpus: gpu::Gpus::find(), looked_at: [None; 2] })
    }

    fn look(&mut self, ask: &Ask) -> Host {
        let now = Instant::now();
        let mut since = |n: usize| {
            let before = self.looked_at[n].replace(now)?;
            Some(now - before).filter(|since| (Duration::from_millis(200)..STALE).contains(since))
        };
        let counted = since(0).is_some();
        self.system.refresh_cpu_specifics(CpuRefreshKind::nothing().with_usage());
        self.system.refresh_memory();
        let share = |percent: f32| f64::from(percent / 100.0).clamp(0.0, 1.0);
        let (gpus, on_gpus) = self.gpus.look();
        let mut host = Host {
            at: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64()),
            cpu: counted.then(|| share(self.system.global_cpu_usage())),
            cores: if counted { self.system.cpus().iter().map(|core| share(core.usage())).collect() } else { vec![] },
            load: System::load_average().ok().map(|load| [load.one, load.five, load.fifteen]),
            memory: some((self.system.used_memory(), self.system.total_memory())),
            swap: some((self.system.used_swap(), self.system.total_swap())),
            gpus,
            ..Host::default()
        };
        if let Some(run) = ask.run {
            let since = since(1);
            (host.disk, host.disk_rates) = self.disk(&ask.folder, since);
            host.network = self.network(since);
            host.processes = self.processes(run, since.is_some(), &on_gpus);
        }
        host
    }

    /// The file system around `folder`, and what its disk read and wrote.
    fn disk(&mut self, folder: &Path, since: Option<Duration>) -> (Option<Disk>, Option<(f64, f64)>) {
        let looks = DiskRefreshKind::nothing().with_io_usage();
        match &mut self.disks {
            Some(disks) => disks.refresh_specifics(true, looks),
            None => self.disks = Disks::new_with_refreshed_list_specifics(looks).ok(),
        }
        let folder = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        let around = self.disks.iter().flat_map(|disks| disks.iter()).filter(|disk| folder.starts_with(disk.mount_point()));
        let around = around.max_by_key(|disk| disk.mount_point().components().count());
        let mount = around.map(|disk| disk.mount_point().display().to_string()).unwrap_or_default();
        let space = rustix::fs::statvfs(&folder).ok().filter(|space| space.f_blocks > 0);
        let size = |blocks: u64, of: u64| blocks.saturating_mul(of);
        let space =
            space.map(|space| Disk { free: size(space.f_bavail, space.f_frsize), all: size(space.f_blocks, space.f_frsize), mount });
        let rates = around.zip(since).map(|(disk, since)| {
            let usage = disk.usage();
            (usage.read_bytes as f64 / since.as_secs_f64(), usage.written_bytes as f64 / since.as_secs_f64())
        });
        (space, rates)
    }

    fn network(&mut self, since: Option<Duration>) -> Option<(f64, f64)> {
        match &mut self.networks {
            Some(networks) => networks.refresh(true),
            None => self.networks = Networks::new_with_refreshed_list().ok(),
        }
        let secs = since?.as_secs_f64();
        let outer = |name: &OsStr| !INNER_INTERFACES.iter().any(|inner| name.to_string_lossy().starts_with(inner));
        let outer: Vec<_> = self.networks.iter().flat_map(|networks| networks.iter()).filter(|(name, _)| outer(name)).collect();
        let sum = |of: fn(&sysinfo::NetworkData) -> u64| outer.iter().map(|(_, data)| of(data)).sum::<u64>() as f64 / secs;
        (!outer.is_empty()).then(|| (sum(sysinfo::NetworkData::received), sum(sysinfo::NetworkData::transmitted)))
    }

    /// The process `run` and all that it started. `counted`: it is known how busy they were.
    fn processes(&mut self, run: u32, counted: bool, on_gpus: &HashMap<u32, u64>) -> Vec<Process> {
        // A look at a process forgets how busy it was before the look, so it is only taken once.
        let links = ProcessRefreshKind::nothing().without_tasks().with_cpu();
        self.system.refresh_processes_specifics(ProcessesToUpdate::All, true, links);
        let tree = self.tree(Pid::from_u32(run));
        let looks = ProcessRefreshKind::nothing().with_memory().with_cmd(UpdateKind::OnlyIfNotSet).with_tasks();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&tree), true, looks);
        let process = |pid: &Pid| {
            let process = self.system.process(*pid)?;
            Some(Process {
                pid: pid.as_u32(),
                command: command(process),
                cpu: counted.then(|| f64::from(process.cpu_usage()) / 100.0),
                memory: process.memory(),
                // The first thread is not among them.
                threads: process.tasks().map(|tasks| tasks.iter().filter(|task| *task != pid).count() + 1),
                gpu_memory: on_gpus.get(&pid.as_u32()).copied(),
            })
        };
        tree.iter().take(PROCESSES_MAX).filter_map(process).collect()
    }

    /// A process, what it started, and what is left in its session of what they started, in order of their numbers.
    fn tree(&self, root: Pid) -> Vec<Pid> {
        let mut children: BTreeMap<Pid, Vec<Pid>> = BTreeMap::new();
        let mut found: HashSet<Pid> = HashSet::new();
        let whole = self.system.processes().iter().filter(|(_, process)| process.thread_kind().is_none());
        for (pid, process) in whole {
            children.entry(process.parent().unwrap_or(Pid::from_u32(0))).or_default().push(*pid);
            // Whose starter has ended still belongs to the session that the terminal made for the training.
            if process.session_id() == Some(root) {
                found.insert(*pid);
            }
        }
        let mut left = vec![root];
        while let Some(pid) = left.pop() {
            found.insert(pid);
            left.extend(children.remove(&pid).unwrap_or_default());
        }
        let mut found: Vec<Pid> = found.into_iter().filter(|pid| self.system.process(*pid).is_some()).collect();
        found.sort_unstable();
        found
    }
}

/// Nothing of nothing is not known.
fn some((used, all): (u64, u64)) -> Option<(u64, u64)> {
    (all > 0).then_some((used, all))
}

/// The command line of a process in one line, without the folder of its program.
fn command(process: &sysinfo::Process) -> String {
    let mut words: Vec<_> = process.cmd().iter().map(|word| word.to_string_lossy()).collect();
    // Where a program lies takes the room of what it was told to do.
    if let Some((_, name)) = words.first().and_then(|program| program.rsplit_once('/')).filter(|(_, name)| !name.is_empty()) {
        words[0] = name.to_owned().into();
    }
    let line = if words.is_empty() { process.name().to_string_lossy().into_owned() } else { words.join(" ") };
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(COMMAND_CHARS_MAX).collect()
}

/// NVIDIA's GPUs, through the library that comes with their driver.
#[cfg(feature = "gpu")]
mod gpu {
    use super::{Gpu, HashMap};
    use nvml_wrapper::{Device, Nvml, enum_wrappers::device::TemperatureSensor, enums::device::UsedGpuMemory};

    /// The name of the library where only the driver is installed; the other name comes with the toolkit.
    const LIBRARY: &str = "libnvidia-ml.so.1";

    pub struct Gpus(Option<Nvml>);

    impl Gpus {
        pub fn find() -> Gpus {
            Gpus(Nvml::builder().lib_path(LIBRARY.as_ref()).init().or_else(|_| Nvml::init()).ok())
        }

        /// The GPUs, and the bytes that each process has on them.
        pub fn look(&self) -> (Vec<Gpu>, HashMap<u32, u64>) {
            let mut processes = HashMap::new();
            let Some(nvml) = &self.0 else { return (vec![], processes) };
            let devices = (0..nvml.device_count().unwrap_or(0)).map(|n| nvml.device_by_index(n));
            let gpus = devices.map(|device| device.map(|device| one(&device, &mut processes)).unwrap_or_default()).collect();
            (gpus, processes)
        }
    }

    fn one(device: &Device<'_>, processes: &mut HashMap<u32, u64>) -> Gpu {
        let all = [device.running_compute_processes(), device.running_graphics_processes()];
        let mut here: HashMap<u32, u64> = HashMap::new();
        for process in all.into_iter().flatten().flatten() {
            if let UsedGpuMemory::Used(bytes) = process.used_gpu_memory {
                // A process that computes and draws is listed twice, each time with all that it has.
                let most = here.entry(process.pid).or_default();
                *most = (*most).max(bytes);
            }
        }
        here.into_iter().for_each(|(pid, bytes)| *processes.entry(pid).or_default() += bytes);
        let milliwatts = |milliwatts: u32| f64::from(milliwatts) / 1000.0;
        Gpu {
            name: device.name().unwrap_or_default(),
            busy: device.utilization_rates().ok().map(|busy| f64::from(busy.gpu) / 100.0),
            memory: device.memory_info().ok().filter(|memory| memory.total > 0).map(|memory| (memory.used, memory.total)),
            celsius: device.temperature(TemperatureSensor::Gpu).ok().map(f64::from),
            watts: device.power_usage().ok().map(milliwatts),
            watts_max: device.enforced_power_limit().ok().map(milliwatts),
        }
    }
}

/// Without the library no GPU is known.
#[cfg(not(feature = "gpu"))]
mod gpu {
    use super::{Gpu, HashMap};

    pub struct Gpus;

    impl Gpus {
        pub fn find() -> Gpus {
            Gpus
        }

        pub fn look(&self) -> (Vec<Gpu>, HashMap<u32, u64>) {
            Default::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn this_machine_and_the_processes_of_this_test_are_seen() {
        let mut child = Command::new("sh").args(["-c", "read line; :"]).stdin(Stdio::piped()).spawn().unwrap();
        let mut eyes = Eyes::open().unwrap();
        let ask = Ask { run: Some(std::process::id()), folder: std::env::temp_dir() };
        let first = eyes.look(&ask);
        assert_eq!((first.cpu, first.disk_rates, first.processes[0].cpu), (None, None, None), "nothing was counted yet");
        let (used, all) = first.memory.unwrap();
        assert!(used < all && first.disk.is_some_and(|disk| disk.free <= disk.all) && first.at > 1.7e9);
        let seen = |pid| first.processes.iter().find(|process| process.pid == pid);
        let own = seen(std::process::id()).unwrap();
        assert!(own.memory > 0 && own.threads.is_some_and(|threads| threads >= 1), "{own:?}");
        assert!(seen(child.id()).is_some_and(|child| child.command.starts_with("sh -c")), "{:?}", first.processes);
        // Busy until a look has something to count.
        let since = Instant::now();
        while since.elapsed() < Duration::from_millis(300) {}
        let second = eyes.look(&ask);
        assert!(second.cpu.is_some_and(|cpu| (0.0..=1.0).contains(&cpu)) && !second.cores.is_empty());
        assert!(second.run().cpu.is_some_and(|cores| cores > 0.0), "{:?}", second.processes);
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(eyes.look(&ask).processes.iter().all(|process| process.pid != child.id()));
    }
}
