//! `xenline lanes`: looks into the store, also while a line runs on it. Changes nothing.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use lane_broker::{Entry, Lane, LaneInfo, LaneStore, Position, SqliteStore};

use crate::cli::LanesAction;
use crate::config::{Config, LaneStoreKind};
use crate::exit::Failure;

pub(super) fn run(config: &Config, action: LanesAction) -> Result<(), Failure> {
    let store = open(config)?;
    match action {
        LanesAction::Ls { json } => ls(&*store, json),
        LanesAction::Read(args) => {
            for info in wanted(&*store, &args.lane)? {
                let entries = store
                    .read(&info.lane, Position(args.after), args.max)
                    .map_err(Failure::because)?;
                print(&info.lane, &entries, args.json)?;
            }
            Ok(())
        }
        LanesAction::Tail(args) => tail(&*store, &args.lane, args.json),
    }
}

fn open(config: &Config) -> Result<Box<dyn LaneStore>, Failure> {
    let path = config.lanes.file();
    match config.lanes.store {
        LaneStoreKind::Memory => Err(Failure::Failed(
            "[lanes] store is \"memory\", and that of another process cannot be looked into".into(),
        )),
        LaneStoreKind::Redis => {
            Ok(Box::new(crate::house::redis(&config.lanes).map_err(Failure::because)?))
        }
        LaneStoreKind::Sqlite if !path.exists() => Err(Failure::Failed(format!(
            "there are no lanes in {} yet; `xenline serve` makes them",
            path.display()
        ))),
        LaneStoreKind::Sqlite => {
            Ok(Box::new(SqliteStore::open_to_look(&path).map_err(Failure::because)?))
        }
    }
}

/// The lanes that `name` means: `tag:name`, or every lane of a tag.
fn wanted(store: &dyn LaneStore, name: &str) -> Result<Vec<LaneInfo>, Failure> {
    let mut lanes = store.lanes().map_err(Failure::because)?;
    lanes.retain(|info| info.lane.to_string() == name || info.lane.tag().as_str() == name);
    if lanes.is_empty() {
        return Err(Failure::Failed(format!("no lane {name:?}; `xenline lanes ls` shows all")));
    }
    Ok(lanes)
}

fn ls(store: &dyn LaneStore, json: bool) -> Result<(), Failure> {
    let lanes = store.lanes().map_err(Failure::because)?;
    if !json {
        put(&format!("{:<32} {:>8} {:>10} {:>8}  readers", "lane", "entries", "bytes", "newest"))?;
    }
    for info in lanes {
        put(&if json { json_of(&info).to_string() } else { row(&info) })?;
    }
    Ok(())
}

fn row(info: &LaneInfo) -> String {
    let lag = |group: &lane_broker::GroupInfo| {
        let behind = info.last.0 - group.taken.0.min(info.last.0);
        format!("{} ({behind} to take, {} to acknowledge)", group.name, group.pending)
    };
    let readers: Vec<String> = info.groups.iter().map(lag).collect();
    let (entries, bytes, last) = (info.entries, info.bytes, info.last.0);
    let lane = info.lane.to_string();
    format!("{lane:<32} {entries:>8} {bytes:>10} {last:>8}  {}", readers.join(", "))
}

fn json_of(info: &LaneInfo) -> serde_json::Value {
    let groups = info.groups.iter().map(|group| {
        serde_json::json!({ "name": group.name, "taken": group.taken, "pending": group.pending })
    });
    serde_json::json!({
        "lane": info.lane.to_string(),
        "entries": info.entries,
        "bytes": info.bytes,
        "last": info.last,
        "oldest_ms": info.oldest_ms,
        "groups": groups.collect::<Vec<_>>(),
    })
}

fn tail(store: &dyn LaneStore, name: &str, json: bool) -> Result<(), Failure> {
    let from_now = wanted(store, name)?.into_iter().map(|info| (info.lane, info.last));
    let mut seen: BTreeMap<Lane, Position> = from_now.collect();
    loop {
        for info in wanted(store, name)? {
            // A lane that is new since then is new from its first entry.
            let after = seen.entry(info.lane.clone()).or_insert(Position::START);
            let entries = store.read(&info.lane, *after, PAGE).map_err(Failure::because)?;
            print(&info.lane, &entries, json)?;
            *after = entries.last().map_or(*after, |entry| entry.position);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn print(lane: &Lane, entries: &[Entry], json: bool) -> Result<(), Failure> {
    for entry in entries {
        let body = String::from_utf8_lossy(&entry.body);
        put(&if json {
            serde_json::json!({
                "lane": lane.to_string(),
                "position": entry.position,
                "at_ms": entry.at_ms,
                "key": &*entry.key,
                "body": body,
            })
            .to_string()
        } else {
            // What other programs wrote does not steer this terminal.
            let body: String = body.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            format!("{lane} {} {} {body}", entry.position, entry.key)
        })?;
    }
    Ok(())
}

/// One line on standard output; a reader that went away is an end, not a panic.
fn put(line: &str) -> Result<(), Failure> {
    writeln!(std::io::stdout().lock(), "{line}").map_err(Failure::because)
}

const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Entries read at once.
const PAGE: usize = 1_000;
