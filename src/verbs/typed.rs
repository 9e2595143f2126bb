//! `xenline type`: writes to the agent.

use std::path::Path;

use super::say::{reach, standard_input};
use crate::cli::TypeArgs;
use crate::control::{Reply, Request};
use crate::exit::Failure;

pub(super) fn write(file: Option<&Path>, args: TypeArgs) -> Result<(), Failure> {
    let text = match args.text.as_str() {
        "-" => standard_input()?,
        text => text.to_owned(),
    };
    let reach = reach(file, args.at)?;
    let request = Request::Type { text, from: Some(args.from), wait: args.wait };
    let (mut kept, mut answered, mut refused) = (false, false, None);
    reach.ask(&request, |reply| match reply {
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
