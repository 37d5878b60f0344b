//! What this process used.

use std::fs;
use std::time::{Duration, Instant};

/// Since when.
pub struct Cost {
    began: Instant,
    cpu: Duration,
    memory: u64,
}

impl Cost {
    pub fn begin() -> Self {
        Self {
            began: Instant::now(),
            cpu: cpu(),
            memory: memory(),
        }
    }

    /// Wall time, processor time of all threads, and by how much the memory grew.
    pub fn so_far(&self) -> String {
        format!(
            "{:.2} s, {:.2} s of processor, memory {:.1} MiB ({:+.1})",
            self.began.elapsed().as_secs_f64(),
            self.cpu().as_secs_f64(),
            mib(memory()),
            mib(memory()) - mib(self.memory),
        )
    }

    pub fn cpu(&self) -> Duration {
        cpu() - self.cpu
    }
}

pub fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Processor time of this process, in user space and in the system's. In units of 10 ms.
fn cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux tells it");
    // Behind the name, which may hold spaces and is in parentheses.
    let fields = stat.rsplit(") ").next().expect("fields").split(' ');
    let ticks: u64 = fields
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>().expect("a number"))
        .sum();
    Duration::from_millis(ticks * 10)
}

/// Resident memory of this process.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells it");
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    let kib = line.expect("it is there").trim().trim_end_matches(" kB");
    kib.parse::<u64>().expect("a number") * 1024
}
