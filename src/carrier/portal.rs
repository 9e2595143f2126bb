use serde::Deserialize;

use super::Carrier;
use crate::config::{Config, Srtp, TrunkSection};

/// One thing to set in the carrier's portal, with `{…}` where this line's values go.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Template {
    #[serde(rename = "where")]
    place: String,
    set: String,
    why: String,
}

/// One thing to set in the carrier's portal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// On which page.
    pub place: String,
    /// To what.
    pub set: String,
    /// What it is for, or what happens otherwise.
    pub why: String,
}

/// What has to be set in `carrier`'s portal so that it calls the line of `config` on `trunk`.
#[must_use]
pub fn steps(carrier: &Carrier, config: &Config, trunk: &TrunkSection) -> Vec<Step> {
    let values = values(carrier, config, trunk);
    let filled = |text: &str| {
        values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    };
    let step = |template: &Template| Step {
        place: filled(&template.place),
        set: filled(&template.set),
        why: filled(&template.why),
    };
    carrier.portal.iter().map(step).collect()
}

fn values(carrier: &Carrier, config: &Config, trunk: &TrunkSection) -> [(&'static str, String); 9] {
    let sip = &config.sip;
    let listener = sip.listen_udp.or(sip.listen_tcp).or(sip.listen_tls);
    // Whoever listens on all addresses is reached at the one that its sound comes from.
    let address = listener.map(|at| at.ip()).filter(|ip| !ip.is_unspecified());
    let transports = [("UDP", sip.listen_udp), ("TCP", sip.listen_tcp), ("TLS", sip.listen_tls)];
    let transports = transports.iter().filter(|(_, at)| at.is_some()).map(|(name, _)| *name);
    let mut regions: Vec<&str> =
        trunk.allow.iter().flat_map(|network| carrier.regions_of(*network)).collect();
    regions.sort_unstable();
    regions.dedup();
    if regions.is_empty() {
        regions.push("none of those known");
    }
    [
        ("{address}", address.unwrap_or(sip.media_ip).to_string()),
        ("{port}", listener.map_or_else(|| "-".into(), |at| at.port().to_string())),
        ("{transport}", transports.collect::<Vec<_>>().join(" or ")),
        ("{channels}", trunk.channels.unwrap_or(sip.channels).to_string()),
        ("{outbound}", profile(config, trunk)),
        ("{caller_id}", caller_id(config, trunk)),
        ("{codecs}", trunk.codecs.as_ref().unwrap_or(&sip.codecs).join(", ")),
        ("{srtp}", srtp(trunk.srtp).into()),
        ("{regions}", regions.join(", ")),
    ]
}

fn calls_out(config: &Config, trunk: &TrunkSection) -> bool {
    config.outbound.trunk.as_ref() == Some(&trunk.name) && !config.outbound.allow.is_empty()
}

/// What the carrier is to let out: as little as the line does.
fn profile(config: &Config, trunk: &TrunkSection) -> String {
    let out = &config.outbound;
    if !calls_out(config, trunk) {
        return "none assigned: [outbound] lets no call out on this trunk".into();
    }
    let prefixes: Vec<&str> = out.allow.iter().map(|entry| entry.prefix.as_str()).collect();
    format!(
        "one with no destinations but those of {}, {} concurrent calls and a daily spend limit of {}",
        prefixes.join(", "),
        out.calls_max,
        out.spend_per_day
    )
}

fn caller_id(config: &Config, trunk: &TrunkSection) -> String {
    match calls_out(config, trunk) {
        true => format!("{}, one of your numbers", config.outbound.from),
        false => "as it is".into(),
    }
}

/// The portal's setting for encrypted media.
fn srtp(srtp: Srtp) -> &'static str {
    match srtp {
        Srtp::Off => "off",
        Srtp::Optional => "SRTP or off, as you like, with SIP over TLS",
        Srtp::Required => "SRTP (not ZRTP), with SIP over TLS",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::AllowSection;

    #[test]
    fn every_step_names_this_lines_own_values() {
        let mut config = Config::default();
        config.sip.listen_udp = Some("0.0.0.0:5062".parse().expect("an address"));
        config.sip.media_ip = "203.0.113.7".parse().expect("an address");
        config.sip.channels = 4;
        let carrier = Carrier::find_on(&[], "telnyx").expect("built in");
        let allow = carrier.signalling["us"].clone();
        let trunk = TrunkSection { name: "telnyx".into(), allow, ..TrunkSection::default() };
        let steps = steps(&carrier, &config, &trunk);
        let told: Vec<&str> = steps.iter().flat_map(|s| [&*s.place, &*s.set, &*s.why]).collect();
        let told = told.join("\n");
        for value in ["203.0.113.7, port 5062", "UDP or TCP", "4, as many", "(us)", "G722, PCMU"] {
            assert!(told.contains(value), "{value} in\n{told}");
        }
        assert!(told.contains("lets no call out"), "{told}");
        config.outbound.trunk = Some("telnyx".into());
        config.outbound.from = "+15551230000".into();
        config.outbound.allow = vec![AllowSection { prefix: "+1".into(), per_minute: 0.01 }];
        let outbound = super::steps(&carrier, &config, &trunk);
        let set = |word: &str| outbound.iter().any(|step| step.set.contains(word));
        assert!(set("those of +1, 1 concurrent calls and a daily spend limit of 5"));
        assert!(set("+15551230000"));
        assert!(!told.contains('{'), "a value that nobody fills in:\n{told}");
    }
}
