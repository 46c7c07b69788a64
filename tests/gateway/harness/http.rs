//! HTTP/1.1 over a plain socket, written out so that a test can send what no proper client would.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::PATIENCE;

/// A request, to be sent as it is: nothing is escaped or checked.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: Vec<u8>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    framing: Framing,
}

#[derive(Clone, Copy, Debug)]
enum Framing {
    ContentLength,
    /// Chunks of this size.
    Chunked(usize),
}

/// A response, read to its end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// A connection for one request after another.
#[derive(Debug)]
pub(crate) struct Connection {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

impl Request {
    pub(crate) fn new(method: &str, target: impl Into<Vec<u8>>) -> Self {
        Self {
            method: method.to_owned(),
            target: target.into(),
            headers: Vec::new(),
            body: Vec::new(),
            framing: Framing::ContentLength,
        }
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends the body in chunks of `size` bytes and without a length.
    pub(crate) fn chunked(mut self, size: usize) -> Self {
        self.framing = Framing::Chunked(size);
        self
    }

    /// The request line and headers, up to and with the empty line.
    pub(crate) fn head(&self) -> Vec<u8> {
        let mut head = format!("{} ", self.method).into_bytes();
        head.extend_from_slice(&self.target);
        head.extend_from_slice(b" HTTP/1.1\r\n");
        if !self.has_header("host") {
            head.extend_from_slice(b"Host: h\r\n");
        }
        for (name, value) in &self.headers {
            head.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        match self.framing {
            Framing::ContentLength if self.body.is_empty() && self.method == "GET" => {}
            Framing::ContentLength if self.has_header("content-length") => {}
            Framing::ContentLength => {
                let length = format!("Content-Length: {}\r\n", self.body.len());
                head.extend_from_slice(length.as_bytes());
            }
            Framing::Chunked(_) => head.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        }
        head.extend_from_slice(b"\r\n");
        head
    }

    /// All bytes of the request.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.head();
        match self.framing {
            Framing::ContentLength => bytes.extend_from_slice(&self.body),
            Framing::Chunked(size) => {
                for chunk in self.body.chunks(size) {
                    bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                    bytes.extend_from_slice(chunk);
                    bytes.extend_from_slice(b"\r\n");
                }
                bytes.extend_from_slice(b"0\r\n\r\n");
            }
        }
        bytes
    }

    fn has_header(&self, name: &str) -> bool {
        self.headers
            .iter()
            .any(|(sent, _)| sent.eq_ignore_ascii_case(name))
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.target.escape_ascii())?;
        for (name, value) in &self.headers {
            write!(f, " [{name}: {value}]")?;
        }
        let shown = &self.body[..self.body.len().min(600)];
        write!(
            f,
            " {:?}, {} bytes: \"{}\"",
            self.framing,
            self.body.len(),
            shown.escape_ascii()
        )
    }
}

impl Response {
    /// The first header of that name, which is given in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(found, _)| found == name);
        header.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// Status and body in one line, for a report.
    pub(crate) fn brief(&self) -> String {
        let mut brief = self.status.to_string();
        if let Some(location) = self.header("location") {
            write!(brief, " -> {location}").unwrap();
        }
        write!(brief, " {:?}", self.text()).unwrap();
        brief
    }
}

impl Connection {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            stream: None,
        }
    }

    /// Sends a request and reads its response. A connection that the server closed while it was idle is
    /// opened again.
    pub(crate) fn send(&mut self, request: &Request) -> io::Result<Response> {
        if let Some(mut stream) = self.stream.take()
            && let Ok(response) = exchange(&mut stream, request)
        {
            return Ok(self.keep(stream, response));
        }
        let mut stream = BufReader::new(connect(self.address)?);
        let response = exchange(&mut stream, request)?;
        Ok(self.keep(stream, response))
    }

    fn keep(&mut self, stream: BufReader<TcpStream>, response: Response) -> Response {
        if response.header("connection") != Some("close") {
            self.stream = Some(stream);
        }
        response
    }
}

/// A connection with read and write timeouts, so that no test hangs.
pub(crate) fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Sends a request on a connection of its own.
pub(crate) fn send(address: SocketAddr, request: &Request) -> io::Result<Response> {
    let request = request.clone().header("Connection", "close");
    exchange(&mut BufReader::new(connect(address)?), &request)
}

fn exchange(stream: &mut BufReader<TcpStream>, request: &Request) -> io::Result<Response> {
    // A server may answer before it has read everything and close: the answer is what counts.
    let written = stream.get_mut().write_all(&request.to_bytes());
    match read_response(stream, &request.method) {
        Ok(response) => Ok(response),
        Err(error) => written.and(Err(error)),
    }
}

/// Reads one response, skipping `100 Continue`.
pub(crate) fn read_response(stream: &mut impl BufRead, method: &str) -> io::Result<Response> {
    loop {
        let (status, headers) = read_head(stream)?;
        if status == 100 {
            continue;
        }
        let mut response = Response {
            status,
            headers,
            body: Vec::new(),
        };
        if method != "HEAD" && status != 204 && status != 304 {
            response.body = read_body(stream, &response)?;
        }
        return Ok(response);
    }
}

fn read_head(stream: &mut impl BufRead) -> io::Result<(u16, Vec<(String, String)>)> {
    let status_line = read_line(stream)?;
    let status = status_line.split(' ').nth(1).and_then(|s| s.parse().ok());
    let status = status.ok_or_else(|| invalid(&status_line))?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(stream)?;
        if line.is_empty() {
            return Ok((status, headers));
        }
        let (name, value) = line.split_once(':').ok_or_else(|| invalid(&line))?;
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
}

fn read_body(stream: &mut impl BufRead, response: &Response) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    if response.header("transfer-encoding") == Some("chunked") {
        loop {
            let size_line = read_line(stream)?;
            let size = u64::from_str_radix(&size_line, 16).map_err(|_| invalid(&size_line))?;
            stream.take(size).read_to_end(&mut body)?;
            read_line(stream)?;
            if size == 0 {
                return Ok(body);
            }
        }
    }
    let Some(length) = response.header("content-length") else {
        stream.read_to_end(&mut body)?;
        return Ok(body);
    };
    let length: u64 = length.parse().map_err(|_| invalid(length))?;
    stream.take(length).read_to_end(&mut body)?;
    if (body.len() as u64) < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(body)
}

fn read_line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    line.pop_if(|last| *last == b'\r');
    Ok(String::from_utf8_lossy(&line).into_owned())
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not HTTP: {what:?}"))
}
