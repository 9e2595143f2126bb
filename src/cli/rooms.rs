use clap::Subcommand;

use super::SocketArg;

/// `xenline rooms …`
#[derive(Subcommand, Debug)]
pub enum RoomsAction {
    /// Which rooms the agent is in, how many people are there, and at which line they sit
    Ls {
        /// As JSON, one room per line
        #[arg(long)]
        json: bool,
        /// Which line's socket.
        #[command(flatten)]
        at: SocketArg,
    },
    /// Go into a room, whatever [livekit] says of it
    Join {
        /// Its name
        room: String,
        /// Its people sit down at this line [default: at one of their own, or as [livekit] bridge says]
        #[arg(long)]
        line: Option<u64>,
        /// Which line's socket.
        #[command(flatten)]
        at: SocketArg,
    },
    /// Leave a room, and stay out until everybody else has left it
    Leave {
        /// Its name
        room: String,
        /// Which line's socket.
        #[command(flatten)]
        at: SocketArg,
    },
}
