//! What stands before the line says the same as the line: rules and access lists made from its
//! configuration and its carrier's data, and kept fresh.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use xenline::carrier::{Carrier, Day, RefreshError, refresh};
use xenline::config::{Config, load, validate};
use xenline::firewall::{Guarded, acl, rules};

fn root(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn loaded(path: &str) -> Config {
    let config = load(Some(&root(path)), []).expect("it can be loaded");
    assert_eq!(validate(&config), [], "{path}");
    config
}

fn guarded(config: &Config, shelves: &[&Path]) -> Guarded {
    Guarded::of(config, |name| Carrier::find_on(shelves, name))
        .expect("the carrier's data is sound")
}

#[test]
fn the_example_configurations_can_be_served() {
    for example in ["deploy/telnyx.toml", "deploy/softphone.toml", "freeswitch-conf/xenline.toml"] {
        assert!(!loaded(example).trunk.is_empty(), "{example} lets somebody call");
    }
}

#[test]
fn freeswitch_lets_in_whom_the_trunk_lets_in() {
    let front = loaded("freeswitch-conf/front.toml");
    assert_eq!(front.trunk, loaded("deploy/telnyx.toml").trunk);
    let committed = std::fs::read_to_string(root("freeswitch-conf/configuration/acl.xml"));
    assert_eq!(acl(&guarded(&front, &[])), committed.expect("it can be read"));
}

#[test]
fn freeswitchs_configuration_holds_without_one() {
    let ran = Command::new("python3").arg(root("scripts/freeswitch_lint.py")).output();
    let ran = ran.expect("python3 runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn the_packet_filter_takes_the_rules_twice() {
    let mut both_families = loaded("deploy/telnyx.toml");
    both_families.sip.listen_udp = Some("[::]:5060".parse().expect("an address"));
    both_families.trunk[0].allow.push("2001:db8::/64".parse().expect("a network"));
    both_families.trunk[0].allow.push("192.76.120.0/24".parse().expect("one that overlaps"));
    both_families.trunk[0].name = "home; flush ruleset\n}".into();
    for config in [
        Config::default(),
        loaded("deploy/softphone.toml"),
        loaded("deploy/telnyx.toml"),
        both_families,
    ] {
        let rules = rules(&guarded(&config, &[]));
        // Loaded twice: the second time replaces the first. In a network of its own: this machine's stays.
        let ran = fed(
            &rules,
            "nft -c -f - < rules && nft -f rules && nft -f rules && nft list table inet xenline",
        );
        let Some(listed) = ran else { return };
        assert!(listed.contains("type filter hook input priority filter - 10"), "{listed}");
    }
}

#[test]
fn only_the_carriers_packets_arrive() {
    let rules = rules(&guarded(&loaded("deploy/telnyx.toml"), &[]));
    let Some(arrived) = fed(&rules, include_str!("firewall/packets.sh")) else { return };
    let mut arrived: Vec<&str> = arrived.lines().collect();
    arrived.sort_unstable();
    assert_eq!(arrived, ["end", "signalling of the carrier", "sound of the carrier"]);
}

/// What `script` prints in a network of its own and a folder with the file `rules`; `None`, with a word, where the
/// kernel does not allow that.
fn fed(rules: &str, script: &str) -> Option<String> {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("rules"), rules).expect("it is written");
    let isolated = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--net", "sh", "-c", script]).current_dir(folder.path());
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").output().expect("unshare runs")
    };
    if !isolated("true").status.success() {
        eprintln!("skipped: this kernel allows no network namespaces");
        return None;
    }
    let ran = isolated(script);
    let told = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{told}{rules}");
    Some(String::from_utf8_lossy(&ran.stdout).into_owned())
}

#[test]
fn sound_comes_from_the_carriers_networks_and_signalling_from_the_trunks() {
    let rules = rules(&guarded(&loaded("deploy/telnyx.toml"), &[]));
    let sip = "ip saddr @trunk0_signalling4 accept\n        counter drop";
    let rtp = "ip saddr @trunk0_media4 udp sport 16384-32768 accept\n        counter drop";
    for expected in [
        "ip daddr 203.0.113.7 udp dport 5060 jump sip",
        "udp dport 10000-20000 jump rtp",
        sip,
        rtp,
        "50.114.144.0/21",
    ] {
        assert!(rules.contains(expected), "{expected} in\n{rules}");
    }
    let home = self::rules(&guarded(&loaded("deploy/softphone.toml"), &[]));
    assert!(home.contains("ip saddr @trunk0_signalling4 accept\n        counter drop"), "{home}");
}

#[test]
fn a_refreshed_carrier_changes_rules_and_nothing_else() {
    let shelf = tempfile::tempdir().expect("a folder");
    let before = Carrier::find_on(&[], "telnyx").expect("built in");
    let mut networks: Vec<String> = before.media.networks.iter().map(ToString::to_string).collect();
    let gone = networks.remove(0);
    networks.push("198.51.100.0/24".into());
    let today: Day = "2027-03-01".parse().expect("a day");
    let url = served(serde_json::json!({ "version": 2, "media": networks }).to_string());

    let change = refresh(shelf.path(), "telnyx", Some(&url), today).expect("it is refreshed");

    let told =
        |networks: &[ipnet::IpNet]| networks.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(told(&change.added), ["198.51.100.0/24"]);
    assert_eq!(told(&change.removed), [gone.as_str()]);
    let after = Carrier::find_on(&[shelf.path()], "telnyx").expect("it can be read");
    assert_eq!((after.read, after.signalling), (today, before.signalling));
    let config = loaded("deploy/telnyx.toml");
    let rules = rules(&guarded(&config, &[shelf.path()]));
    assert!(rules.contains("198.51.100.0/24") && !rules.contains(&gone), "{rules}");
    assert_eq!(acl(&guarded(&config, &[shelf.path()])), acl(&guarded(&config, &[])));
}

#[test]
fn a_feed_that_lost_most_of_its_networks_changes_nothing() {
    let shelf = tempfile::tempdir().expect("a folder");
    let today: Day = "2027-03-01".parse().expect("a day");
    for (body, refused) in [
        (r#"{"media":["198.51.100.0/24"]}"#, "Shrunk"),
        ("<html>gone</html>", "Feed"),
        (r#"{"media":["0.0.0.0/0"]}"#, "Feed"),
    ] {
        let error = refresh(shelf.path(), "telnyx", Some(&served(body.into())), today);
        let error = error.expect_err("it is refused");
        let kind = match &error {
            RefreshError::Shrunk { .. } => "Shrunk",
            RefreshError::Feed { .. } => "Feed",
            _ => "other",
        };
        assert_eq!(kind, refused, "{error}");
    }
    assert_eq!(std::fs::read_dir(shelf.path()).expect("a folder").count(), 0);
}

#[test]
fn the_portals_settings_are_told_with_this_lines_values() {
    let told = xenline(&["--config", "deploy/telnyx.toml", "check", "--trunk", "telnyx"]);
    for value in ["203.0.113.7, port 5060", "(us)", "set: 10, as many"] {
        assert!(told.contains(value), "{value} in\n{told}");
    }
    let told = xenline(&["--config", "deploy/telnyx.toml", "firewall", "print"]);
    assert!(told.contains("table inet xenline"), "{told}");
}

fn xenline(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xenline"));
    let ran = command.args(arguments).current_dir(root("")).stdin(Stdio::null()).output();
    let ran = ran.expect("it runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

/// The URL of a server that gives `body` once.
fn served(body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/voice.json", listener.local_addr().expect("bound"));
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a request");
        let mut request = [0; 4096];
        let _ = stream.read(&mut request);
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).expect("it is sent");
    });
    url
}
