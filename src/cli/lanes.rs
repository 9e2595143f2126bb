use clap::{Args, Subcommand};

/// `xenline lanes …`
#[derive(Subcommand, Debug)]
pub enum LanesAction {
    /// Every lane that is kept: entries, size, age, and how far its readers have come
    Ls {
        /// As one line of JSON for each lane
        #[arg(long)]
        json: bool,
    },
    /// Print what is in a lane, oldest first
    Read(ReadArgs),
    /// Print what comes into a lane from now on, until Ctrl-C
    Tail(TailArgs),
}

/// `xenline lanes read`
#[derive(Args, Debug)]
pub struct ReadArgs {
    /// The lane, as in `xenline lanes ls`: sms:in, or sms for all lanes of that tag
    pub lane: String,
    /// Start after this position
    #[arg(long, default_value_t = 0, value_name = "POSITION")]
    pub after: u64,
    /// Print no more than so many entries of one lane
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    pub max: usize,
    /// As one line of JSON for each entry
    #[arg(long)]
    pub json: bool,
}

/// `xenline lanes tail`
#[derive(Args, Debug)]
pub struct TailArgs {
    /// The lane, as in `xenline lanes ls`: sms:in, or sms for all lanes of that tag
    pub lane: String,
    /// As one line of JSON for each entry
    #[arg(long)]
    pub json: bool,
}
