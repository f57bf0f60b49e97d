//! How a machine is, from samples under the names that wandb, Trackio and og give them.

use std::collections::BTreeMap;

/// A machine in a few numbers; what nobody sampled is `None`.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Sampled {
    /// Percent of all cores that was busy.
    pub cpu: Option<f64>,
    /// Percent of memory in use.
    pub memory: Option<f64>,
    /// Its GPUs by number.
    pub gpus: BTreeMap<u32, SampledGpu>,
}

/// A GPU in a few numbers.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct SampledGpu {
    /// Percent of the time that it was busy.
    pub busy: Option<f64>,
    /// Percent of its memory in use.
    pub memory: Option<f64>,
    /// Degrees Celsius.
    pub celsius: Option<f64>,
    /// Watts.
    pub watts: Option<f64>,
}

/// Reads samples: `system.cpu_percent`, `system/gpu.0.gpu`, `gpu/0/utilization`. Of several that mean the same, the one that says it
/// of the whole machine counts.
///
/// Source: wandb 0.31 `core/pkg/monitor`, Trackio 0.43 `cpu.py` and `gpu.py`, read 2026-11.
pub fn sampled<'a>(samples: impl Iterator<Item = (&'a str, f64)>) -> Sampled {
    let mut out = Sampled::default();
    let (mut cores, mut process) = (vec![], None);
    for (name, value) in samples.filter(|(_, value)| value.is_finite()) {
        let plain = name.strip_prefix("system").and_then(|rest| rest.strip_prefix(['.', '/'])).unwrap_or(name);
        match plain.split(['.', '/']).collect::<Vec<_>>().as_slice() {
            ["cpu_percent"] | ["cpu", "utilization" | "percent"] => out.cpu = Some(value),
            ["cpu", core, "cpu_percent" | "utilization"] if core.parse::<u32>().is_ok() => cores.push(value),
            // What wandb calls so is what the process had of all cores.
            ["cpu"] => process = Some(value),
            ["memory_percent"] | ["memory" | "ram", "percent"] => out.memory = Some(value),
            ["memory"] => out.memory = out.memory.or(Some(value)),
            ["gpu", number, what] => {
                let field: fn(&mut SampledGpu) -> &mut Option<f64> = match *what {
                    "gpu" | "utilization" => |gpu| &mut gpu.busy,
                    "memoryAllocated" => |gpu| &mut gpu.memory,
                    "temp" | "temperature" => |gpu| &mut gpu.celsius,
                    "powerWatts" | "power" => |gpu| &mut gpu.watts,
                    _ => continue,
                };
                if let Ok(number) = number.parse() {
                    *field(out.gpus.entry(number).or_default()) = Some(value);
                }
            }
            _ => {}
        }
    }
    let mean = (!cores.is_empty()).then(|| cores.iter().sum::<f64>() / cores.len() as f64);
    out.cpu = out.cpu.or(mean).or(process);
    out
}

/// The mean of what several GPUs say.
pub fn mean(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let values: Vec<f64> = values.flatten().collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tracker_has_its_own_names_for_a_machine() {
        let wandb =
            [("system.cpu", 12.0), ("system.cpu.0.cpu_percent", 30.0), ("system.cpu.1.cpu_percent", 50.0), ("system.memory_percent", 42.5)];
        let gpu = [
            ("system.gpu.1.gpu", 90.0),
            ("system.gpu.1.memoryAllocated", 71.0),
            ("system.gpu.1.temp", 60.0),
            ("system.gpu.process.1.gpu", 5.0),
        ];
        let seen = sampled(wandb.into_iter().chain(gpu));
        assert_eq!((seen.cpu, seen.memory), (Some(40.0), Some(42.5)));
        let want = SampledGpu { busy: Some(90.0), memory: Some(71.0), celsius: Some(60.0), watts: None };
        assert_eq!(seen.gpus, [(1, want)].into());
        let trackio =
            sampled([("gpu/0/utilization", 50.0), ("gpu/0/power", 300.0), ("cpu/utilization", 7.0), ("memory", f64::NAN)].into_iter());
        assert_eq!((trackio.cpu, trackio.memory, trackio.gpus[&0].watts), (Some(7.0), None, Some(300.0)));
        assert_eq!(sampled([("system.cpu", 12.0)].into_iter()).cpu, Some(12.0), "nobody said more");
        assert_eq!(sampled(std::iter::empty()), Sampled::default());
    }
}
