//! Looks at the machine: `/proc`, and `nvidia-smi` where it is.

use crate::ui::host::{GPU_FORMAT, GPU_QUERY, Gpu, Host, Ticks, gpus, memory};
use std::{
    fs,
    process::{Command, Stdio},
    sync::mpsc::{Receiver, TryRecvError, channel},
    thread,
    time::{Duration, Instant},
};

/// Rest between two looks at `/proc`: a share of busy ticks over less is noise.
const REST: Duration = Duration::from_secs(2);
/// Rest between two runs of `nvidia-smi`, which takes a core for a good part of a second on a large machine.
const GPU_REST: Duration = Duration::from_secs(10);

/// What was seen last.
#[derive(Default)]
pub struct Sampler {
    host: Option<Host>,
    ticks: Option<(Instant, Ticks)>,
    asked: Option<(Instant, Receiver<Option<Vec<Gpu>>>)>,
    /// `nvidia-smi` is not here, or does not work.
    no_gpu: bool,
}

impl Sampler {
    /// What was seen last.
    pub fn last(&self) -> Option<&Host> {
        self.host.as_ref()
    }

    /// Looks again, unless the last look was just now.
    pub fn look(&mut self) {
        let now = Instant::now();
        if self.ticks.is_some_and(|(at, _)| now - at < REST) {
            return;
        }
        let ticks = fs::read_to_string("/proc/stat").ok().and_then(|stat| Ticks::parse(&stat));
        let cpu = ticks.zip(self.ticks).and_then(|(ticks, (_, before))| ticks.since(before));
        self.ticks = ticks.map(|ticks| (now, ticks));
        let memory = fs::read_to_string("/proc/meminfo").ok().and_then(|info| memory(&info));
        self.take_gpus(now);
        let gpus = self.host.take().map(|host| host.gpus).unwrap_or_default();
        self.host = Some(Host { cpu, memory, gpus }).filter(|host| host != &Host::default());
    }

    /// Takes the answer to the last question, and asks again when it is time.
    fn take_gpus(&mut self, now: Instant) {
        if let Some((_, answer)) = &self.asked {
            match answer.try_recv() {
                Ok(Some(gpus)) => self.host.get_or_insert_default().gpus = gpus,
                Ok(None) => self.no_gpu = true,
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => {}
            }
        }
        if self.no_gpu || self.asked.as_ref().is_some_and(|(at, _)| now - *at < GPU_REST) {
            return;
        }
        let (tell, answer) = channel();
        let ask = move || {
            let asked = Command::new("nvidia-smi").args([GPU_QUERY, GPU_FORMAT]).stdin(Stdio::null()).stderr(Stdio::null()).output();
            let listed = asked.ok().filter(|output| output.status.success()).map(|output| gpus(&String::from_utf8_lossy(&output.stdout)));
            let _ = tell.send(listed);
        };
        match thread::Builder::new().name("og-gpu".into()).spawn(ask) {
            Ok(_) => self.asked = Some((now, answer)),
            Err(_) => self.no_gpu = true,
        }
    }
}
