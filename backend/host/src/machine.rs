//! Facts about this machine that the daemon asks for once, at start.

use std::fs;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use valkyard_model::ByteSize;

/// An address of the range that instances get, far from those given out first.
const PROBED_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 20, 255, 254);

/// Whether instances can have loopback addresses of their own: on Linux all of 127/8 is there, elsewhere 127.0.0.1 only.
#[must_use]
pub fn own_loopback_usable() -> bool {
    TcpListener::bind((PROBED_ADDRESS, 0)).is_ok()
}

/// Memory that this process and its children may use: the machine's, or the limit of a control group around it.
///
/// # Errors
/// When the kernel does not tell.
pub fn machine_memory() -> io::Result<ByteSize> {
    let machine = total_memory(&fs::read_to_string("/proc/meminfo")?)
        .ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "no MemTotal in /proc/meminfo"))?;
    // Without control groups of version 2 there is no limit to respect.
    let group = fs::read_to_string("/proc/self/cgroup").ok().and_then(|text| control_group(&text));
    let limit = group.and_then(|group| lowest_limit(Path::new("/sys/fs/cgroup"), &group));
    Ok(limit.map_or(machine, |limit| machine.min(limit)))
}

fn total_memory(meminfo: &str) -> Option<ByteSize> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(ByteSize(kibibytes * 1024))
}

/// The path of the version 2 group, relative to the root of the hierarchy.
fn control_group(text: &str) -> Option<String> {
    text.lines().find_map(|line| line.strip_prefix("0::/")).map(str::to_owned)
}

/// The lowest `memory.max` of a group and those around it.
fn lowest_limit(root: &Path, group: &str) -> Option<ByteSize> {
    let folder = root.join(group);
    let around = folder.ancestors().take_while(|folder| folder.starts_with(root));
    let limits = around.filter_map(|folder| fs::read_to_string(folder.join("memory.max")).ok()?.trim().parse().ok());
    limits.min().map(ByteSize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn total_memory_is_read_from_meminfo() {
        assert_eq!(total_memory("MemTotal:       16316420 kB\nMemFree: 1 kB\n"), Some(ByteSize(16_316_420 * 1024)));
        assert_eq!(total_memory("MemFree: 1 kB\n"), None);
    }

    #[test]
    fn the_lowest_limit_around_counts() {
        let root = tempfile::tempdir().expect("a folder");
        let inner = root.path().join("outer/inner");
        fs::create_dir_all(&inner).expect("creates");
        fs::write(inner.join("memory.max"), "max\n").expect("writes");
        assert_eq!(lowest_limit(root.path(), "outer/inner"), None);
        fs::write(root.path().join("outer/memory.max"), "4096\n").expect("writes");
        assert_eq!(lowest_limit(root.path(), "outer/inner"), Some(ByteSize(4_096)));
        fs::write(inner.join("memory.max"), "1024\n").expect("writes");
        assert_eq!(lowest_limit(root.path(), "outer/inner"), Some(ByteSize(1_024)));
        assert_eq!(control_group("1:name=x:/old\n0::/outer/inner\n").as_deref(), Some("outer/inner"));
    }

    #[test]
    fn this_machine_has_memory() {
        assert!(machine_memory().expect("Linux tells") > ByteSize(1 << 20));
    }
}
