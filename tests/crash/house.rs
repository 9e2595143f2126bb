//! One line over many lives: the same configuration and the same store, a new process each time.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use lane_broker::{LaneStore, Limits, RedisStore, SqliteStore};
use tempfile::TempDir;
use xenline::config::{Config, LaneStoreKind};
use xenline::control::{Reply, Request, client};
use xenline::demo::loopback_config;

use crate::gateway::TOKEN;
use crate::redis::Redis;
use crate::support::process::{Guarded, children, kill, need, xenline};

const STOPPED_WITHIN: Duration = Duration::from_secs(30);
/// The directory with orders for its speech workers.
const FAULTS: &str = "faults";

pub struct House {
    dir: TempDir,
    _sockets: TempDir,
    file: PathBuf,
    config: Config,
    redis: Option<Redis>,
    /// Its lanes are on a disk of this size, which only it sees.
    disk_kb: Option<usize>,
    pub socket: PathBuf,
    /// Where programs send messages.
    pub door: SocketAddr,
}

/// A process of it.
pub struct Line {
    child: Guarded,
    pub sip: SocketAddr,
    socket: PathBuf,
}

impl House {
    /// Its lanes are in `store`; `gateway`: where its short messages go.
    pub fn new(store: LaneStoreKind, gateway: &str) -> Self {
        Self::with(store, gateway, |_| {})
    }

    pub fn with(store: LaneStoreKind, gateway: &str, change: impl FnOnce(&mut Config)) -> Self {
        need("python3", "python3");
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (mut config, sockets) = loopback_config().expect("a configuration");
        let brain = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/chatter.py");
        config.brain.command = vec!["python3".into(), brain.display().to_string()];
        config.say.per_second = 20_000;
        config.say.burst = 20_000;
        config.lanes.store = store;
        config.lanes.path = Some(dir.path().join("lanes.db"));
        let door = free_port();
        config.http.listen = Some(door);
        config.sms.url = Some(gateway.to_owned());
        config.sms.from = "+13125550100".into();
        config.sms.recognises_repetitions = true;
        change(&mut config);
        let redis = (store == LaneStoreKind::Redis).then(|| Redis::start(dir.path()));
        let socket = config.say.socket.clone().expect("the tests name one");
        std::fs::create_dir(dir.path().join(FAULTS)).expect("a directory");
        let file = dir.path().join("xenline.toml");
        std::fs::write(&file, toml::to_string(&config).expect("TOML")).expect("it is written");
        House { dir, _sockets: sockets, file, config, redis, disk_kb: None, socket, door }
    }

    /// With its lanes on a disk of `kb`, or none where the kernel gives no namespace of one's own
    /// to mount it in.
    pub fn on_a_small_disk(
        kb: usize,
        gateway: &str,
        change: impl FnOnce(&mut Config),
    ) -> Option<Self> {
        let mut house = Self::with(LaneStoreKind::Sqlite, gateway, change);
        house.disk_kb = Some(kb);
        std::fs::create_dir(house.disk()).expect("a directory");
        house.config.lanes.path = Some(house.disk().join("lanes.db"));
        std::fs::write(&house.file, toml::to_string(&house.config).expect("TOML")).expect("room");
        let mut trial = house.on_its_disk(Command::new("true"));
        trial.stderr(Stdio::null()).status().is_ok_and(|it| it.success()).then_some(house)
    }

    /// Where that disk is, for those who see it.
    pub fn disk(&self) -> PathBuf {
        self.dir.path().join("disk")
    }

    /// The same command, with the disk mounted.
    fn on_its_disk(&self, command: Command) -> Command {
        let Some(kb) = self.disk_kb else { return command };
        let mount = format!("mount -t tmpfs -o size={kb}k none \"$0\" && exec \"$@\"");
        let mut wrapped = Command::new("unshare");
        wrapped.args(["-rm", "sh", "-c", &mount]).arg(self.disk());
        wrapped.arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => wrapped.env(name, value),
                None => wrapped.env_remove(name),
            };
        }
        wrapped
    }

    /// The lanes, to look at while no line runs on them.
    pub fn store(&self) -> Box<dyn LaneStore> {
        match &self.redis {
            Some(redis) => {
                let store = RedisStore::new(&redis.url(), "xenline", Limits::default());
                Box::new(store.expect("a good address"))
            }
            None => Box::new(SqliteStore::open_to_look(&self.config.lanes.file()).expect("a file")),
        }
    }

    /// The next work of a speech worker ends with a panic. `worker`: `voice` or `recogniser`.
    pub fn break_down(&self, worker: &str) {
        std::fs::write(self.dir.path().join(FAULTS).join(worker), "").expect("room for it");
    }

    /// Whether it did.
    pub fn broke_down(&self, worker: &str) -> bool {
        !self.dir.path().join(FAULTS).join(worker).exists()
    }

    /// The store's own process, if it has one.
    pub fn redis(&mut self) -> Option<&mut Redis> {
        self.redis.as_mut()
    }

    /// Starts it, and returns when it takes calls.
    pub fn start(&self) -> Line {
        let mut command = xenline();
        command.env("CHATTER_TEXTS", "[]").env("XENLINE_HTTP_TOKEN", TOKEN);
        command.env("XENLINE_TEST_FAULTS", self.dir.path().join(FAULTS));
        if let Some(redis) = &self.redis {
            command.env(&self.config.lanes.redis_url_env, redis.url());
        }
        command.args(["serve", "--events", "--config"]).arg(&self.file);
        let mut command = self.on_its_disk(command);
        let log = self.dir.path().join("log");
        let log = std::fs::File::options().create(true).append(true).open(log).expect("a log");
        command.stdout(Stdio::piped()).stderr(log);
        let mut child = Guarded::spawn(command);
        let mut stdout = BufReader::new(child.child().stdout.take().expect("standard output"));
        let sip = loop {
            let mut line = String::new();
            let read = stdout.read_line(&mut line).expect("standard output is text");
            assert!(read > 0, "the line ended: {}", self.log());
            let json: Option<serde_json::Value> = serde_json::from_str(&line).ok();
            if let Some(address) = json.and_then(|json| json["udp"].as_str()?.parse().ok()) {
                break address;
            }
        };
        // Its events are not needed, and a pipe that is full would stop it.
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).for_each(drop));
        Line { child, sip, socket: self.socket.clone() }
    }

    /// What all its lives said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Line {
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    pub fn kill(&mut self) {
        self.child.signal(libc::SIGKILL);
        let _ = self.child.ended(STOPPED_WITHIN);
    }

    pub fn kill_the_brain(&self) {
        for brain in children(self.child.pid(), "python3") {
            kill(brain, libc::SIGKILL);
        }
    }

    /// Claims of other programs that wait or are being said.
    pub fn queued(&self) -> usize {
        match self.status() {
            Reply::Status { queued, .. } => queued,
            other => panic!("not a status: {other:?}"),
        }
    }

    /// Whether what it accepts is kept at present.
    pub fn keeps(&self) -> bool {
        matches!(self.status(), Reply::Status { journal: None, .. })
    }

    pub fn status(&self) -> Reply {
        let mut status = None;
        client::ask(&self.socket, &Request::Status, |reply| status = Some(reply))
            .expect("it answers");
        status.expect("one answer")
    }

    pub fn stop(mut self) {
        self.child.signal(libc::SIGTERM);
        assert_eq!(self.child.ended(STOPPED_WITHIN), Some(0), "the line ends well");
    }
}

/// One that nobody listens on now; the line listens there in each of its lives. On an address that no
/// other house, and no gateway, is given a port of meanwhile.
fn free_port() -> SocketAddr {
    static HOUSES: AtomicU8 = AtomicU8::new(0);
    let address = Ipv4Addr::new(127, 0, 1, HOUSES.fetch_add(1, Ordering::Relaxed));
    let listener = TcpListener::bind((address, 0)).expect("a free port");
    listener.local_addr().expect("it is bound")
}
