//! baresip, a telephone that we did not write, with a WAV file as its microphone.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::process::Guarded;
use super::sound::write_wav;

/// How it is set up.
pub struct Baresip<'a> {
    /// What its account says behind its address.
    pub account: &'a str,
    /// Takes the place of the module for G.711.
    pub modules: &'a str,
    /// Of microphone and loudspeaker, in Hz.
    pub rate: u32,
    /// What is said, one after the other.
    pub microphone: &'a [Vec<i16>],
}

impl Baresip<'_> {
    /// A directory of baresip's with the microphone in it.
    pub fn set_up(&self) -> TempDir {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| dir.path().join(name);
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/baresip/config");
        let config = std::fs::read_to_string(ours).expect("our configuration");
        let config = config
            .replace("@DIR@", &dir.path().display().to_string())
            .replace("@MODULES@", &modules().display().to_string())
            .replace("8000", &self.rate.to_string())
            .replace("module          g711.so", self.modules);
        std::fs::write(at("config"), config).expect("it is written");
        let account = format!("<sip:tester@127.0.0.1{}\n", self.account);
        std::fs::write(at("accounts"), account).expect("it is written");
        std::fs::write(at("contacts"), "").expect("it is written");
        std::fs::create_dir(at("heard")).expect("a directory");
        let microphone = self.microphone.iter().flatten().copied();
        write_wav(&at("microphone.wav"), self.rate, microphone);
        dir
    }
}

/// Where the distribution keeps baresip's modules.
fn modules() -> PathBuf {
    let known = ["/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules"];
    let multiarch = format!("/usr/lib/{}-linux-gnu/baresip/modules", std::env::consts::ARCH);
    let mut known = known.map(PathBuf::from).into_iter().chain([PathBuf::from(multiarch)]);
    known.find(|dir| dir.join("aufile.so").is_file()).expect("baresip's modules; see baresip-core")
}

/// It calls `target`.
pub fn dial(dir: &Path, target: &str) -> Guarded {
    Guarded::spawn(dialling(dir, target))
}

/// What has it call `target`.
pub fn dialling(dir: &Path, target: &str) -> Command {
    let mut command = waiting(dir);
    command.arg("-e").arg(format!("/dial {target}"));
    command
}

/// What has it wait for calls.
pub fn waiting(dir: &Path) -> Command {
    let mut command = Command::new("baresip");
    command.arg("-4").arg("-f").arg(dir);
    // It ends by itself in any case.
    command.args(["-t", "90"]).current_dir(dir);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// The file of what it decoded, if it has begun one.
pub fn heard_file(dir: &Path) -> Option<PathBuf> {
    let mut files = std::fs::read_dir(dir.join("heard")).ok()?.flatten().map(|file| file.path());
    files.find(|path| path.to_string_lossy().ends_with("-dec.wav"))
}

/// The same, once it is longer than so many bytes.
pub fn heard_more_than(dir: &Path, bytes: usize) -> Option<PathBuf> {
    let file = heard_file(dir)?;
    (std::fs::metadata(&file).ok()?.len() as usize > bytes).then_some(file)
}

/// What it decoded so far, at its rate; the last packets may be on their way to the file.
pub fn heard_so_far(dir: &Path) -> Vec<i16> {
    let bytes = heard_file(dir).and_then(|file| std::fs::read(file).ok()).unwrap_or_default();
    // Until it is closed, its header does not know how long it is.
    let data = bytes.windows(4).position(|it| it == b"data").map_or(bytes.len(), |at| at + 8);
    let samples = bytes.get(data..).unwrap_or_default().chunks_exact(2);
    samples.map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}
