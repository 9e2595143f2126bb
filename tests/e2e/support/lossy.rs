//! A network of its own that loses packets of sound: a network namespace with a rule of nftables.

use std::process::{Command, Stdio};
use std::time::Duration;

use super::process::{Guarded, gather, need};
use super::wait_until;

/// Lasts as long as this value.
pub struct Lossy {
    holder: Guarded,
}

impl Lossy {
    /// `percent` of the packets of sound that anybody sends in it are lost; signalling is not.
    pub fn new(percent: u32) -> Self {
        for (program, package) in [("unshare", "util-linux"), ("ip", "iproute2")] {
            need(program, package);
        }
        // Sound is told from signalling by its first byte.
        let rules = format!(
            "table inet bad {{ chain lossy {{ type filter hook input priority 0; \
             meta l4proto udp @th,64,8 0x80 numgen random mod 100 < {percent} drop; }}; }}"
        );
        let mut command = Command::new("unshare");
        let script = "ip link set lo up && nft \"$1\" && echo ready && exec sleep 600";
        command.args(["-rn", "sh", "-c", script, "sh", &rules]);
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut holder = Guarded::spawn(command);
        let said = gather(holder.child().stdout.take());
        wait_until("a network namespace with nftables", Duration::from_secs(30), || {
            let ended = holder.child().try_wait().expect("it can be waited for");
            assert!(
                ended.is_none(),
                "the kernel gives no network namespace, or nftables is missing"
            );
            said.lock().expect("no panic").contains("ready").then_some(())
        });
        Self { holder }
    }

    /// The same command in that network.
    pub fn inside(&self, command: &Command) -> Command {
        let mut inside = Command::new("nsenter");
        inside.args(["-t", &self.holder.pid().to_string(), "-U", "-n", "--preserve-credentials"]);
        inside.arg("--").arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(name, value),
                None => inside.env_remove(name),
            };
        }
        if let Some(dir) = command.get_current_dir() {
            inside.current_dir(dir);
        }
        inside
    }
}
