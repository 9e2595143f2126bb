use super::Finding;
use crate::config::Config;

/// What the tap is to watch, as far as that is there to see.
pub(super) fn look(config: &Config, tell: &mut dyn FnMut(Finding)) {
    const WHAT: &str = "tap";
    let tap = &config.tap;
    if tap.tap_config().is_idle() {
        return;
    }
    let missing = tap.files.iter().chain(&tap.logs).filter(|path| !path.exists());
    let missing: Vec<String> = missing.map(|path| path.display().to_string()).collect();
    if tap.journal && super::machine::find_program("journalctl").is_none() {
        tell(Finding::warning(
            WHAT,
            "there is no journalctl, so no journal to follow",
            "set [tap] journal = false, and name log files in [tap] logs",
        ));
    } else if missing.is_empty() {
        tell(Finding::good(WHAT, format!("{} rules", tap.rule.len())));
    } else {
        tell(Finding::warning(
            WHAT,
            format!("not there yet: {}", missing.join(", ")),
            "it is watched once it comes; is the path right?",
        ));
    }
}
