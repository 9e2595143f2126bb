//! `xenline models`.

use crate::cli::ModelsAction;
use crate::exit::Failure;

pub(super) fn run(_action: ModelsAction) -> Result<(), Failure> {
    Err(Failure::Failed("not wired yet".into()))
}
