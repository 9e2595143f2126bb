//! `xenline type`: writes to the agent.

use std::path::Path;

use super::loaded;
use super::say::standard_input;
use crate::cli::TypeArgs;
use crate::control::{Reply, Request, client};
use crate::exit::Failure;
use crate::house;

pub(super) fn write(file: Option<&Path>, args: TypeArgs) -> Result<(), Failure> {
    let text = match args.text.as_str() {
        "-" => standard_input()?,
        text => text.to_owned(),
    };
    let socket = match args.socket {
        Some(socket) => socket,
        None => house::say_socket(&loaded(file)?),
    };
    let request = Request::Type { text, from: Some(args.from), wait: args.wait };
    let (mut kept, mut answered, mut refused) = (false, false, None);
    client::ask(&socket, &request, |reply| match reply {
        Reply::Kept { id } => {
            kept = true;
            println!("{id}");
        }
        Reply::Answered { text } => {
            answered = true;
            if let Some(text) = text {
                println!("{text}");
            }
        }
        Reply::Refused { message, .. } => refused = Some(message),
        _ => {}
    })?;
    if refused.is_none() && (!kept || args.wait && !answered) {
        refused = Some("the line closed before it could answer".to_owned());
    }
    refused.map_or(Ok(()), |message| Err(Failure::Failed(message)))
}
