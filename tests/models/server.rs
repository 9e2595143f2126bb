//! An HTTP server that does what a test tells it to.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the server has at `path`.
pub fn content(path: &str, bytes: usize) -> Vec<u8> {
    let salt = path.len() as u8;
    (0..bytes).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8 ^ salt).collect()
}

#[derive(Clone, Debug)]
pub struct Request {
    pub number: usize,
    pub path: String,
    /// First byte asked for.
    pub range: Option<usize>,
}

/// What the server does with a request.
#[derive(Clone)]
pub struct Answer {
    pub head: String,
    pub body: Vec<u8>,
    /// Bytes of the body that are sent before the connection is closed.
    pub send: usize,
    /// How they are sent.
    pub piece: usize,
    pub pause: Duration,
    /// How long the connection stays open afterwards.
    pub hang: Duration,
}

impl Answer {
    fn new(status: &str, body: &[u8]) -> Self {
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
        let (send, pause) = (body.len(), Duration::ZERO);
        Self { head, body: body.to_vec(), send, piece: usize::MAX, pause, hang: pause }
    }

    pub fn whole(content: &[u8]) -> Self {
        Self::new("200 OK", content)
    }

    pub fn partial(content: &[u8], from: usize) -> Self {
        let mut answer = Self::new("206 Partial Content", &content[from..]);
        let (last, all) = (content.len() - 1, content.len());
        answer.head += &format!("Content-Range: bytes {from}-{last}/{all}\r\n");
        answer
    }

    pub fn status(code: u16) -> Self {
        Self::new(&format!("{code} No"), b"no")
    }

    fn write(&self, stream: &mut TcpStream) -> std::io::Result<()> {
        write!(stream, "{}Connection: close\r\n\r\n", self.head)?;
        for piece in self.body[..self.send].chunks(self.piece.min(self.body.len().max(1))) {
            stream.write_all(piece)?;
            stream.flush()?;
            std::thread::sleep(self.pause);
        }
        std::thread::sleep(self.hang);
        Ok(())
    }
}

/// An HTTP server on loopback, one thread a connection.
pub struct Server {
    pub base: String,
    requests: Arc<Mutex<Vec<Request>>>,
    files: Arc<Mutex<Vec<(String, usize)>>>,
}

impl Server {
    pub fn start(answer: impl Fn(&Request, &[u8]) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("bound"));
        let (requests, files) = (Arc::<Mutex<Vec<Request>>>::default(), Arc::default());
        let server = Self { base, requests: Arc::clone(&requests), files: Arc::clone(&files) };
        let answer = Arc::new(answer);
        // Ends with the test process; it holds nothing that outlives it.
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (requests, files) = (Arc::clone(&requests), Arc::clone(&files));
                let answer = Arc::clone(&answer);
                std::thread::spawn(move || {
                    let Some(mut request) = read_request(&stream) else { return };
                    let bytes = size_of(&files, &request.path);
                    {
                        let mut all = requests.lock().expect("not poisoned");
                        request.number = all.len();
                        all.push(request.clone());
                    }
                    let content = content(&request.path, bytes);
                    // The client may well have left.
                    let _ = answer(&request, &content).write(&mut stream);
                });
            }
        });
        server
    }

    pub fn serve(&self, path: &str, bytes: usize) {
        self.files.lock().expect("not poisoned").push((path.to_owned(), bytes));
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("not poisoned").clone()
    }
}

fn size_of(files: &Mutex<Vec<(String, usize)>>, path: &str) -> usize {
    let files = files.lock().expect("not poisoned");
    files.iter().find(|(p, _)| p == path).map_or(0, |(_, bytes)| *bytes)
}

fn read_request(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let mut range = None;
    for line in lines.take_while(|l| !l.is_empty()) {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("range")
        {
            range = value.trim().strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok();
        }
    }
    Some(Request { number: 0, path, range })
}
