use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

/// `xenline check`
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// Instead, tell each thing that this trunk's carrier portal has to be set to
    #[arg(long, value_name = "NAME")]
    pub trunk: Option<String>,
}

/// `xenline firewall …`
#[derive(Subcommand, Debug)]
pub enum FirewallAction {
    /// Print the rules that the configuration asks for: `xenline firewall print | sudo nft -f -`
    Print(PrintArgs),
    /// Bring a carrier's published addresses up to date, and say what changed
    Refresh(RefreshArgs),
}

/// `xenline firewall print`
#[derive(Args, Debug)]
pub struct PrintArgs {
    /// For whom
    #[arg(long = "as", value_enum, default_value_t)]
    pub form: PrintAs,
}

/// For whom the rules are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PrintAs {
    /// Linux's packet filter: a table of its own
    #[default]
    Nft,
    /// FreeSWITCH in front: its configuration/acl.xml
    Freeswitch,
}

/// `xenline firewall refresh`
#[derive(Args, Debug)]
pub struct RefreshArgs {
    /// The carrier, as the file of its addresses is called
    pub carrier: String,
    /// Read this URL instead of the one that the carrier publishes
    #[arg(long)]
    pub url: Option<String>,
    /// The folder with the file, which is made where there is none yet
    #[arg(long, default_value = crate::carrier::SHELVES[0], value_hint = ValueHint::DirPath)]
    pub into: PathBuf,
}
