//! A whole call in a room, in a network of its own that has a way out, which is watched.

use std::process::Command;

use crate::{ALONE, in_a_network};

#[test]
fn nothing_of_a_room_on_this_machine_leaves_it() {
    let _alone = ALONE.blocking_lock();
    if !Command::new("unshare").args(["-rn", "true"]).status().is_ok_and(|status| status.success())
    {
        println!("SKIPPED: this kernel gives no user and network namespace (unshare -rn)");
        return;
    }
    let output = in_a_network(CALL);
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "the call there: {said}\n{complained}");
    assert!(said.contains("1 passed"), "{said}");
    let readings = said.lines().filter_map(|line| line.trim().strip_prefix("out:"));
    let packets = readings.map(|reading| reading.split_whitespace().nth(9).expect("a column"));
    let packets: Vec<u32> = packets.map(|packets| packets.parse().expect("a number")).collect();
    println!(
        "packets that took the way out: {} in the call, {} with one sent",
        packets[0], packets[1]
    );
    assert_eq!(packets[0], 0, "{said}");
    assert!(packets[1] > 0, "somebody who tries the way out is seen");
}

/// The way out is one end of a cable that everything is routed to, and that has nothing to say by
/// itself: whoever tries it is seen, if only by the question who is at the other end.
const CALL: &str = r#"
ip link set lo up
ip link add name out type veth peer name far
ip link set out addrgenmode none
ip link set far addrgenmode none
ip link set far up
ip address add 192.0.2.2/24 dev out
ip link set out up
ip route add default via 192.0.2.1 dev out
"$1" --exact a_room_sees_hears_reads_and_answers_us --nocapture
cat /proc/net/dev
echo >/dev/udp/198.51.100.1/9
cat /proc/net/dev
"#;
