//! A real browser, Debian's Chromium without a window, driven over a pipe (Chrome DevTools Protocol:
//! JSON objects that end with a zero byte).

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use base64::Engine;
use serde_json::{Value, json};

/// A browser that starts beside other people's compilers takes its time.
const SOON: Duration = Duration::from_secs(120);

pub struct Browser {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    calls: u64,
    session: Option<String>,
    /// What the page complained of.
    pub complaints: Vec<String>,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// One with an empty page.
    pub fn start(more: &[&str]) -> Self {
        let profile = tempfile::tempdir().expect("a directory");
        let mut command = Command::new("sh");
        // The protocol is spoken over descriptors 3 and 4.
        command.args(["-c", r#"exec chromium "$@" 3<&0 4>&1 </dev/null >/dev/null"#, "sh"]);
        command.args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--remote-debugging-pipe",
        ]);
        command.arg(format!("--user-data-dir={}", profile.path().display())).args(more);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("sh runs chromium; see scripts/setup.sh test");
        let to = child.stdin.take().expect("a pipe");
        let from = listen(BufReader::new(child.stdout.take().expect("a pipe")));
        let mut browser = Self {
            child,
            to,
            from,
            calls: 0,
            session: None,
            complaints: Vec::new(),
            _profile: profile,
        };
        let page = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": page["targetId"], "flatten": true });
        let session = browser.call("Target.attachToTarget", attach);
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            browser.call(domain, json!({}));
        }
        browser
    }

    /// A window of this size, light or dark.
    pub fn look(&mut self, width: u32, height: u32, scheme: &str) {
        let mobile = width < 500;
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile });
        self.call("Emulation.setDeviceMetricsOverride", size);
        let scheme = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": scheme }));
    }

    pub fn open(&mut self, url: &str) {
        self.call("Page.navigate", json!({ "url": url }));
    }

    /// What `script` comes to.
    pub fn eval(&mut self, script: &str) -> Value {
        let asked = json!({ "expression": script, "returnByValue": true, "awaitPromise": true });
        let told = self.call("Runtime.evaluate", asked);
        assert!(told["exceptionDetails"].is_null(), "{script}: {told}");
        told["result"]["value"].clone()
    }

    /// Asks until `script` comes to something that is so.
    pub fn wait_for(&mut self, script: &str) -> Value {
        let latest = Instant::now() + SOON;
        loop {
            let value = self.eval(&format!("(() => {{ try {{ return {script} }} catch {{}} }})()"));
            let is_so = match &value {
                Value::Null | Value::Bool(false) => false,
                Value::String(text) => !text.is_empty(),
                _ => true,
            };
            if is_so {
                return value;
            }
            if Instant::now() > latest {
                let page = self.eval("document.body.innerText");
                panic!("waited in vain for {script}; {:?}; the page: {page}", self.complaints);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The text of an element, once it has one that contains `part`.
    pub fn wait_for_text(&mut self, selector: &str, part: &str) {
        let part = Value::from(part);
        self.wait_for(&format!("document.querySelector('{selector}').innerText.includes({part})"));
    }

    /// Presses the mouse in the middle of an element; whatever covers it gets it instead.
    pub fn click(&mut self, selector: &str) {
        let selector = Value::from(selector);
        self.wait_for(&format!("!!document.querySelector({selector})?.getClientRects().length"));
        let at = self.eval(&format!(
            "(() => {{ const it = document.querySelector({selector}); it.scrollIntoView({{ block: 'nearest' }}); const r = it.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; }})()"
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let event =
                json!({ "type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", event);
        }
    }

    /// Presses a key: a character, or `Enter`, `Escape`, `Tab`.
    pub fn press(&mut self, key: &str) {
        let code = match key {
            "Enter" => 13,
            "Escape" => 27,
            "Tab" => 9,
            _ => 0,
        };
        let mut down = json!({ "type": "keyDown", "key": key, "windowsVirtualKeyCode": code });
        if key.chars().count() == 1 || key == "Enter" {
            down["text"] = if key == "Enter" { "\r".into() } else { key.into() };
        }
        self.call("Input.dispatchKeyEvent", down);
        let up = json!({ "type": "keyUp", "key": key, "windowsVirtualKeyCode": code });
        self.call("Input.dispatchKeyEvent", up);
    }

    /// Writes into whatever has the focus.
    pub fn write(&mut self, text: &str) {
        self.call("Input.insertText", json!({ "text": text }));
    }

    /// Keeps a picture of the page under `target/console/`.
    pub fn picture(&mut self, name: &str) -> PathBuf {
        let shot = self.call("Page.captureScreenshot", json!({ "format": "png" }));
        let png = base64::engine::general_purpose::STANDARD
            .decode(shot["data"].as_str().expect("a picture"))
            .expect("base64");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("console");
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join(format!("{name}.png"));
        std::fs::write(&path, png).expect("it is written");
        path
    }

    /// Ends it without a goodbye.
    #[allow(dead_code, reason = "not every binary of tests does")]
    pub fn kill(&mut self) {
        // Only what we started; gone already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let mut message = json!({ "id": self.calls, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).expect("the browser reads");
        loop {
            let told = match self.from.recv_timeout(SOON) {
                Ok(told) => told,
                Err(RecvTimeoutError::Timeout) => panic!("no answer to {method}"),
                Err(RecvTimeoutError::Disconnected) => panic!("the browser is gone: {method}"),
            };
            if told["id"] == self.calls {
                assert!(told["error"].is_null(), "{method}: {}", told["error"]);
                return told["result"].clone();
            }
            self.note(&told);
        }
    }

    fn note(&mut self, told: &Value) {
        let params = &told["params"];
        match told["method"].as_str() {
            Some("Runtime.exceptionThrown") => {
                self.complaints.push(params["exceptionDetails"].to_string());
            }
            // Refusals are answers; what breaks the policy is a fault.
            Some("Log.entryAdded") if params["entry"]["source"] != "network" => {
                self.complaints.push(params["entry"]["text"].to_string());
            }
            _ => {}
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let close = json!({ "id": 0, "method": "Browser.close" }).to_string();
        let asked = self.to.write_all(close.as_bytes()).and_then(|()| self.to.write_all(&[0]));
        let latest = Instant::now() + Duration::from_secs(20);
        while asked.is_ok() && Instant::now() < latest {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        // Only what we started.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn listen(mut out: BufReader<std::process::ChildStdout>) -> Receiver<Value> {
    let (told, from) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        while out.read_until(0, &mut bytes).is_ok_and(|read| read > 0) {
            bytes.pop();
            let Ok(message) = serde_json::from_slice(&bytes) else { return };
            if told.send(message).is_err() {
                return;
            }
            bytes.clear();
        }
    });
    from
}
