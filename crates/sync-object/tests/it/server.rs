//! A small server on this machine that keeps objects, speaks enough WebDAV and S3 for this, and
//! does what it is told badly, request by request.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt::Write as _,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// It is not done, and this is the answer.
    Status(u16),
    /// The same, with this text.
    Answer(u16, &'static str),
    /// It is done, and the connection ends without an answer.
    AnswerLost,
    /// It is not done, and the connection ends without an answer.
    Closed,
    /// It is done, and the answer comes after this time.
    Slow(Duration),
    /// Half of the answer comes.
    Short,
    /// The answer has this many bytes, whatever was asked.
    Long(usize),
    /// A page of a listing that says that there are more, with this after it.
    Cut(&'static str),
}

#[derive(Default)]
struct Kept {
    objects: BTreeMap<String, Vec<u8>>,
    faults: VecDeque<Fault>,
    requests: Vec<String>,
}

pub(super) struct Server {
    kept: Arc<Mutex<Kept>>,
    address: SocketAddr,
}

impl Server {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let kept = Arc::new(Mutex::new(Kept::default()));
        let shared = Arc::clone(&kept);
        // It ends with the tests.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let kept = Arc::clone(&shared);
                // Whoever asks may go away while it answers.
                thread::spawn(move || drop(answer(&kept, &stream.unwrap())));
            }
        });
        Self { kept, address }
    }

    pub(super) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What happens to the next requests, one after the other; all is well after these.
    pub(super) fn faults(&self, faults: &[Fault]) {
        self.kept.lock().unwrap().faults = faults.iter().copied().collect();
    }

    /// The requests since the last call.
    pub(super) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.kept.lock().unwrap().requests)
    }

    pub(super) fn keeps(&self, path: &str) -> bool {
        self.kept.lock().unwrap().objects.contains_key(path)
    }
}

fn answer(kept: &Mutex<Kept>, stream: &TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let (mut length, mut absent_only) = (0, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        }
        absent_only |= line == "if-none-match: *";
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut words = first.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (fault, (status, body)) = {
        let mut kept = kept.lock().unwrap();
        kept.requests.push(format!("{method} {path}"));
        let fault = kept.faults.pop_front().unwrap_or(Fault::None);
        let done = match fault {
            Fault::Closed => return Ok(()),
            Fault::Status(status) => (status, Vec::new()),
            Fault::Answer(status, text) => (status, text.into()),
            Fault::Long(length) => (200, vec![b'<'; length]),
            Fault::Cut(more) => {
                let page = "<ListBucketResult><IsTruncated>true</IsTruncated>";
                (200, format!("{page}{more}</ListBucketResult>").into())
            }
            _ => kept.carry_out(method, path, query, body, absent_only),
        };
        (fault, done)
    };
    match fault {
        Fault::AnswerLost => return Ok(()),
        Fault::Slow(time) => thread::sleep(time),
        _ => {}
    }
    let sent = if fault == Fault::Short { &body[..body.len() / 2] } else { &body[..] };
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status} x\r\ncontent-length: {}\r\netag: \"e\"\r\n\
         last-modified: Mon, 30 Nov 2026 10:00:00 GMT\r\nconnection: close\r\n\r\n",
        body.len()
    )?;
    stream.write_all(sent)
}

impl Kept {
    fn carry_out(
        &mut self,
        method: &str,
        path: &str,
        query: &str,
        body: Vec<u8>,
        absent_only: bool,
    ) -> (u16, Vec<u8>) {
        match method {
            "PUT" if absent_only && self.objects.contains_key(path) => (412, Vec::new()),
            "PUT" => {
                self.objects.insert(path.into(), body);
                (201, Vec::new())
            }
            "DELETE" => (if self.objects.remove(path).is_some() { 204 } else { 404 }, Vec::new()),
            "PROPFIND" => (207, self.folder(path).into()),
            "GET" if query.contains("list-type=2") => (200, self.page(path, query).into()),
            "GET" => match self.objects.get(path) {
                Some(bytes) => (200, bytes.clone()),
                None => (404, Vec::new()),
            },
            _ => (405, Vec::new()),
        }
    }

    /// What is right below a folder (RFC 4918 §9.1).
    fn folder(&self, path: &str) -> String {
        let mut answer = String::from(r#"<D:multistatus xmlns:D="DAV:">"#);
        let mut add = |href: &str, folder: bool| {
            let kind = if folder { "<D:collection/>" } else { "" };
            write!(
                answer,
                "<D:response><D:href>{href}</D:href><D:propstat><D:prop>\
                 <D:getlastmodified>Mon, 30 Nov 2026 10:00:00 GMT</D:getlastmodified>\
                 <D:getcontentlength>1</D:getcontentlength>\
                 <D:resourcetype>{kind}</D:resourcetype></D:prop>\
                 <D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
            )
            .unwrap();
        };
        add(path, true);
        let mut last = "";
        for object in self.objects.keys() {
            let Some(rest) = object.strip_prefix(path).and_then(|rest| rest.strip_prefix('/'))
            else {
                continue;
            };
            match rest.split_once('/') {
                None => add(object, false),
                Some((folder, _)) if folder != last => {
                    add(&format!("{path}/{folder}"), true);
                    last = folder;
                }
                Some(_) => {}
            }
        }
        answer + "</D:multistatus>"
    }

    /// One name a page, of the S3 API's `ListObjectsV2`.
    fn page(&self, bucket: &str, query: &str) -> String {
        let value = |name: &str| {
            query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
        };
        let prefix = value("prefix").unwrap_or_default().replace("%2F", "/");
        let after = value("continuation-token").map(|token| token.replace("%2F", "/"));
        let names = self.objects.keys().filter_map(|path| path.strip_prefix(bucket));
        let names = names.filter_map(|name| name.strip_prefix('/'));
        let mut names = names
            .filter(|name| name.starts_with(&prefix))
            .skip_while(|name| after.as_ref().is_some_and(|after| *name <= after.as_str()));
        let Some(name) = names.next() else {
            return "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>".into();
        };
        let more = names.next().map_or(String::new(), |_| {
            format!("<NextContinuationToken>{name}</NextContinuationToken>")
        });
        format!(
            "<ListBucketResult><Contents><Key>{name}</Key><Size>1</Size>\
             <LastModified>2026-11-30T10:00:00.000Z</LastModified></Contents>{more}\
             </ListBucketResult>"
        )
    }
}
