//! What a publication costs in each store of lanes, side by side: how many a second, and how long
//! one takes. The disk decides most of it, so the figures belong to the disk below the folder that
//! is printed. Fails on nothing; without a redis-server it says so and goes on.

#[expect(dead_code, reason = "nothing here is told as a ratio")]
mod method;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lane_broker::{
    Durability, Lane, LaneStore, Limits, MemoryStore, RedisStore, SqliteOptions, SqliteStore, Tag,
};

/// Long enough for a hundred waits for a slow disk.
const EACH: Duration = Duration::from_secs(3);
/// Entries of one transaction: what a journal writes when a house is busy.
const BATCH: usize = 64;
/// A turn or a journal's record, with its JSON around it.
const BODY: [u8; 300] = [b'x'; 300];

fn main() {
    let folder = tempfile::tempdir_in(std::env::current_dir().expect("a current folder"))
        .expect("the current folder is writable");
    method::print(&format!(
        "one thread publishes entries of 300 bytes for 3 s, one at a time and {BATCH} in a \
         transaction; wall time of each call; files in {}",
        folder.path().display()
    ));
    println!(
        "{:<34} {:>10} {:>10} {:>10} {:>14} {:>14}",
        "store", "one/s", "p50 us", "p99 us", "in batches/s", "batch p99 us"
    );
    row("memory", &MemoryStore::new(limits()));
    for (name, durability) in [
        ("sqlite, survives the process", Durability::Process),
        ("sqlite, survives a power cut", Durability::Power),
    ] {
        let options = SqliteOptions { durability, ..SqliteOptions::default() };
        let path = folder.path().join(format!("{durability:?}.sqlite"));
        row(name, &SqliteStore::open(&path, limits(), options).expect("it opens"));
    }
    for (name, fsync) in
        [("redis, appendfsync everysec", "everysec"), ("redis, appendfsync always", "always")]
    {
        match Redis::start(folder.path(), fsync) {
            Some(redis) => row(name, &redis.store),
            None => println!("{name:<34} no redis-server here: scripts/setup.sh test installs it"),
        }
    }
}

/// Room for all that is published, so that nothing is trimmed meanwhile.
fn limits() -> Limits {
    Limits { lane_entries_max: 10_000_000, lane_bytes_max: 8 << 30, ..Limits::default() }
}

fn row(name: &str, store: &dyn LaneStore) {
    let lane = |name| Lane::new(Tag::xen_out(), name).expect("a good name");
    let (single, batches) = (lane("single"), lane("batches"));
    let ones = repeated(|n| {
        store.publish(&single, &format!("k{n}"), &BODY).expect("there is room");
    });
    let many = repeated(|n| {
        let batch: Vec<_> = (0..BATCH).map(|i| (format!("k{n}-{i}"), BODY.to_vec())).collect();
        store.publish_many(&batches, &batch).expect("there is room");
    });
    let rate = |taken: &[f64]| taken.len() as f64 / taken.iter().sum::<f64>() * 1e6;
    println!(
        "{name:<34} {:>10.0} {:>10.1} {:>10.1} {:>14.0} {:>14.1}",
        rate(&ones),
        share(&ones, 50),
        share(&ones, 99),
        rate(&many) * BATCH as f64,
        share(&many, 99),
    );
}

/// How long each call took, in microseconds, sorted.
fn repeated(mut call: impl FnMut(usize)) -> Vec<f64> {
    let (began, mut taken) = (Instant::now(), Vec::new());
    while began.elapsed() < EACH {
        let before = Instant::now();
        call(taken.len());
        taken.push(before.elapsed().as_secs_f64() * 1e6);
    }
    taken.sort_by(f64::total_cmp);
    taken
}

fn share(sorted: &[f64], percent: usize) -> f64 {
    sorted[(sorted.len() - 1) * percent / 100]
}

/// A server of our own.
struct Redis {
    process: Child,
    store: RedisStore,
}

impl Redis {
    fn start(folder: &Path, fsync: &str) -> Option<Redis> {
        let folder = folder.join(fsync);
        std::fs::create_dir(&folder).expect("a new folder");
        let process = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "yes", "--appendfsync", fsync])
            // Relative to its folder: the path of a socket is short.
            .args(["--unixsocket", "s", "--dir"])
            .arg(&folder)
            .current_dir(&folder)
            .stdout(Stdio::null())
            .spawn()
            .ok()?;
        let socket = folder.join("s");
        let address = format!("redis+unix://{}", socket.display());
        let store = RedisStore::new(&address, "bench", limits()).expect("a good address");
        let mut redis = Redis { process, store };
        for _ in 0..1_000 {
            if redis.store.keeps().is_ok() {
                return Some(redis);
            }
            redis.process.try_wait().ok().filter(Option::is_none)?;
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
