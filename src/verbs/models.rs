//! `xenline models`.

use crate::cli::ModelsAction;
use crate::exit::Failure;
use crate::models::{
    Bar, Checked, FetchOptions, Finding, Model, Presence, catalogue, default_dir, fetch, find,
    presence, verify,
};

pub(super) fn run(action: ModelsAction) -> Result<(), Failure> {
    match action {
        ModelsAction::List => {
            list();
            Ok(())
        }
        ModelsAction::Fetch { name, sha256, url } => fetch_one(&name, sha256, url),
        ModelsAction::Verify => verify_installed(),
    }
}

fn list() {
    let dir = default_dir();
    println!("{:<28} {:<11} {:>7}  {:<22} ", "model", "kind", "size", "state");
    println!(
        "{:<28} {:<11} {:>7}  {:<22} in this program; small, for demo and tests",
        "builtin", "both", "22 MB", "installed"
    );
    for model in catalogue() {
        let megabytes = format!("{} MB", model.bytes() / 1_000_000);
        let state = match presence(&model, &dir) {
            Presence::Absent => "-".to_owned(),
            Presence::Partial(bytes) => format!("{} MB so far", bytes / 1_000_000),
            Presence::Installed => "installed".to_owned(),
        };
        println!(
            "{:<28} {:<11} {megabytes:>7}  {state:<22} {} ({})",
            model.name, model.kind, model.about, model.licence
        );
    }
    println!("\ninto {}; use one by its name in [hearing] model or [voice] model", dir.display());
}

fn fetch_one(name: &str, sha256: Option<String>, url: Option<String>) -> Result<(), Failure> {
    let model = find(name).ok_or_else(|| {
        let names: Vec<_> = catalogue().into_iter().map(|model| model.name).collect();
        Failure::Usage(format!("{name:?} is not one of {}", names.join(", ")))
    })?;
    let options = FetchOptions { url, sha256, ..FetchOptions::default() };
    let path =
        fetch(&model, &default_dir(), &options, &mut Bar::default()).map_err(Failure::because)?;
    println!("{} is installed: {}", model.name, path.display());
    println!("use it: [{}] model = \"{}\"", section(&model), model.name);
    Ok(())
}

fn section(model: &Model) -> &'static str {
    match model.kind {
        crate::models::Kind::Recogniser => "hearing",
        crate::models::Kind::Voice => "voice",
    }
}

fn verify_installed() -> Result<(), Failure> {
    let dir = default_dir();
    let installed: Vec<_> =
        catalogue().into_iter().filter(|m| presence(m, &dir) != Presence::Absent).collect();
    if installed.is_empty() {
        println!("nothing is installed in {}; see `xenline models list`", dir.display());
    }
    let mut wrong = Vec::new();
    for model in installed {
        for Checked { path, finding } in verify(&model, &dir, &mut Bar::default()) {
            let (word, name) = match finding {
                Finding::Sound => ("sound", None),
                Finding::Missing => ("missing", Some(&model.name)),
                Finding::Differs { .. } => ("DIFFERS from the catalogue", Some(&model.name)),
                Finding::Unreadable(_) => ("unreadable", Some(&model.name)),
            };
            println!("{:<60} {word}", path.display());
            wrong.extend(name.cloned());
        }
    }
    wrong.dedup();
    match wrong.as_slice() {
        [] => Ok(()),
        names => Err(Failure::Failed(format!(
            "delete what differs and run: xenline models fetch {}",
            names.join("; xenline models fetch ")
        ))),
    }
}
