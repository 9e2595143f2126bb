//! `xenline firewall`, and `xenline check --trunk`.

use std::path::Path;
use std::time::SystemTime;

use crate::carrier::{self, Carrier, Day};
use crate::cli::{FirewallAction, PrintArgs, PrintAs, RefreshArgs};
use crate::config::{self, Config};
use crate::exit::Failure;
use crate::firewall::{Guarded, acl, rules};

pub(super) fn run(file: Option<&Path>, action: FirewallAction) -> Result<(), Failure> {
    match action {
        FirewallAction::Print(args) => print(&super::loaded(file)?, &args),
        FirewallAction::Refresh(args) => refresh(&args),
    }
}

fn print(config: &Config, args: &PrintArgs) -> Result<(), Failure> {
    // Rules made from a configuration that cannot be served would guard something else.
    if let Some(problem) = config::validate(config).first() {
        return Err(Failure::Invalid(format!("{}: {}", problem.key, problem.message)));
    }
    let guarded = Guarded::of(config, Carrier::find).map_err(Failure::because)?;
    print!(
        "{}",
        match args.form {
            PrintAs::Nft => rules(&guarded),
            PrintAs::Freeswitch => acl(&guarded),
        }
    );
    Ok(())
}

fn refresh(args: &RefreshArgs) -> Result<(), Failure> {
    let today = Day::of(SystemTime::now());
    let change = carrier::refresh(&args.into, &args.carrier, args.url.as_deref(), today)
        .map_err(Failure::because)?;
    for (sign, networks) in [("+", &change.added), ("-", &change.removed)] {
        networks.iter().for_each(|network| println!("{sign} {network}"));
    }
    println!(
        "{}: {} media networks new, {} gone",
        change.file.display(),
        change.added.len(),
        change.removed.len()
    );
    if !(change.added.is_empty() && change.removed.is_empty()) {
        println!("now: xenline firewall print | sudo nft -f -");
    }
    Ok(())
}

/// Tells what the portal of `trunk`'s carrier has to be set to.
pub(super) fn portal(config: &Config, trunk: &str) -> Result<(), Failure> {
    let configured = config.trunk.iter().find(|known| known.name == trunk);
    let Some(configured) = configured else {
        let known: Vec<&str> = config.trunk.iter().map(|trunk| trunk.name.as_str()).collect();
        let known = if known.is_empty() { "there is none".into() } else { known.join(", ") };
        return Err(Failure::Usage(format!("no [[trunk]] is named {trunk:?}; {known}")));
    };
    let carrier = Carrier::find(trunk).map_err(Failure::because)?;
    println!(
        "{}'s portal, for this line (read on {}; {})",
        carrier.name, carrier.read, carrier.page
    );
    for (number, step) in (1..).zip(carrier::steps(&carrier, config, configured)) {
        println!("\n{number:>3}. {}\n     set: {}\n     why: {}", step.place, step.set, step.why);
    }
    let mut warned = false;
    crate::check::carrier(config, configured, &mut |finding| {
        println!("{}{finding}", if std::mem::replace(&mut warned, true) { "" } else { "\n" });
    });
    Ok(())
}
