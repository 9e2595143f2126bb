use std::net::IpAddr;
use std::time::SystemTime;

use super::Finding;
use crate::carrier::{Carrier, CarrierError, Day};
use crate::config::{Config, TrunkSection};

/// Whether what is written down about this trunk's carrier is fresh, and fits the configuration.
pub(crate) fn look(config: &Config, trunk: &TrunkSection, tell: &mut dyn FnMut(Finding)) {
    let carrier = match Carrier::find(&trunk.name) {
        Ok(carrier) => carrier,
        // A home PBX or a softphone is no carrier.
        Err(CarrierError::Unknown(_)) => return,
        Err(error) => {
            let fix = "mend the file, or remove it";
            return tell(Finding::failure("carrier", error.to_string(), fix));
        }
    };
    tell(age(&carrier, trunk, Day::of(SystemTime::now())));
    strangers(&carrier, trunk).into_iter().for_each(&mut *tell);
    unreachable(config).into_iter().for_each(tell);
}

fn age(carrier: &Carrier, trunk: &TrunkSection, today: Day) -> Finding {
    let what = format!("carrier {}", trunk.name);
    match carrier.stale(today) {
        None => Finding::good(&what, format!("its addresses were read on {}", carrier.read)),
        Some(days) => Finding::warning(
            &what,
            format!("its addresses were read on {}, {days} days ago", carrier.read),
            format!(
                "`xenline firewall refresh {}`, and compare [[trunk]] allow with {}",
                trunk.name, carrier.page
            ),
        ),
    }
}

fn strangers(carrier: &Carrier, trunk: &TrunkSection) -> Option<Finding> {
    let unknown =
        trunk.allow.iter().filter(|network| carrier.regions_of(**network).next().is_none());
    let unknown: Vec<String> = unknown.map(ToString::to_string).collect();
    (!unknown.is_empty()).then(|| {
        Finding::warning(
            &format!("carrier {}", trunk.name),
            format!("{} may call, and does not signal from {}", carrier.name, unknown.join(", ")),
            format!("compare [[trunk]] allow with {}", carrier.page),
        )
    })
}

fn unreachable(config: &Config) -> Option<Finding> {
    let IpAddr::V4(ip) = config.sip.media_ip else { return None };
    (ip.is_loopback() || ip.is_private() || ip.is_link_local()).then(|| {
        Finding::warning(
            "carrier",
            format!("{ip} is not an address that a carrier reaches"),
            "set [sip] media_ip and the listeners to this machine's public address",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trunk(allow: &[&str]) -> TrunkSection {
        let allow = allow.iter().map(|text| text.parse().expect("a network")).collect();
        TrunkSection { name: "telnyx".into(), allow, ..TrunkSection::default() }
    }

    #[test]
    fn old_addresses_are_warned_of_with_the_command_that_renews_them() {
        let carrier = Carrier::find_on(&[], "telnyx").expect("built in");
        let today = carrier.read.plus(carrier.stale_after_days + 1);
        let told = age(&carrier, &trunk(&["192.76.120.10/32"]), today).to_string();
        assert!(
            told.contains("warn") && told.contains("xenline firewall refresh telnyx"),
            "{told}"
        );
        let told = age(&carrier, &trunk(&["192.76.120.10/32"]), carrier.read).to_string();
        assert!(told.contains("ok"), "{told}");
    }

    #[test]
    fn an_address_that_the_carrier_does_not_publish_is_named() {
        let carrier = Carrier::find_on(&[], "telnyx").expect("built in");
        assert_eq!(strangers(&carrier, &trunk(&["192.76.120.10/32", "64.16.250.10/32"])), None);
        let told = strangers(&carrier, &trunk(&["192.76.120.10/32", "198.51.100.0/24"]));
        assert!(told.expect("a warning").to_string().contains("from 198.51.100.0/24"));
    }
}
