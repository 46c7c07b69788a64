//! Bodies: those that stall, those that nobody wants, and answers that nobody takes.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_is_408() {
    let limits = Limits {
        body_stall: SHORT,
        ..Limits::default()
    };
    let server = Running::start(pushes(), limits).await;
    let request = b"POST /read HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf";
    let response = server.exchange(request).await;
    check_start(&response, "HTTP/1.1 408 ");
    assert!(response.contains("connection: close"), "{response:?}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_makes_progress_may_take_its_time() {
    let limits = Limits {
        body_stall: 4 * SHORT,
        ..Limits::default()
    };
    let server = Running::start(pushes(), limits).await;
    let mut socket = server.connect().await;
    let head = b"POST /read HTTP/1.1\r\nHost: h\r\nContent-Length: 8\r\n\r\n";
    socket.write_all(head).await.unwrap();
    for _ in 0..8 {
        tokio::time::sleep(SHORT).await;
        socket.write_all(b"x").await.unwrap();
    }
    assert!(read_response(&mut socket).await.ends_with("\r\n\r\n8"));
}

#[tokio::test]
async fn a_client_that_takes_no_bytes_is_cut_off() {
    let limits = Limits {
        write_stall: SHORT,
        ..Limits::default()
    };
    let (calls, mut called) = mpsc::unbounded_channel();
    let handler = async move || {
        calls.send(()).unwrap();
        vec![b'x'; 64 << 20]
    };
    let server = Running::start(Router::new().route("/", get(handler)), limits).await;
    let mut socket = server.connect().await;
    socket.write_all(GET).await.unwrap();
    within(called.recv()).await.unwrap();
    server.emptied().await;
    let mut received = Vec::new();
    let end = within(socket.read_to_end(&mut received)).await;
    assert!(end.is_err() || received.len() < 64 << 20);
}

const FIVE_MEGABYTES: usize = 5 << 20;

#[tokio::test]
async fn a_large_body_refused_unread_gets_its_answer() {
    let server = Running::start(pushes(), Limits::default()).await;
    let head =
        format!("POST /refuse HTTP/1.1\r\nHost: h\r\nContent-Length: {FIVE_MEGABYTES}\r\n\r\n");
    let mut request = head.into_bytes();
    request.resize(request.len() + FIVE_MEGABYTES, b'x');
    let response = server.exchange(&request).await;
    check_start(&response, "HTTP/1.1 413 ");
    assert!(response.contains("connection: close"), "{response:?}");
}

#[tokio::test]
async fn a_large_chunked_body_refused_unread_gets_its_answer() {
    let server = Running::start(pushes(), Limits::default()).await;
    let head = "POST /refuse HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut request = format!("{head}{FIVE_MEGABYTES:x}\r\n").into_bytes();
    request.resize(request.len() + FIVE_MEGABYTES, b'x');
    request.extend(b"\r\n0\r\n\r\n");
    check_start(&server.exchange(&request).await, "HTTP/1.1 413 ");
}

#[tokio::test]
async fn an_expected_continue_does_not_come_before_a_refusal() {
    let server = Running::start(pushes(), Limits::default()).await;
    let request = format!(
        "POST /refuse HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: {FIVE_MEGABYTES}\r\n\r\n"
    );
    let response = server.exchange(request.as_bytes()).await;
    check_start(&response, "HTTP/1.1 413 ");
    let small = request.replace(&FIVE_MEGABYTES.to_string(), "10");
    check_start(&server.exchange(small.as_bytes()).await, "HTTP/1.1 413 ");
}

#[tokio::test]
async fn an_expected_continue_comes_once_the_body_is_wanted() {
    let server = Running::start(pushes(), Limits::default()).await;
    let mut socket = server.connect().await;
    let head =
        b"POST /read HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    socket.write_all(head).await.unwrap();
    let mut interim = [0; 25];
    within(socket.read_exact(&mut interim)).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    socket.write_all(b"hi").await.unwrap();
    check_start(&read_response(&mut socket).await, "HTTP/1.1 200 OK");
}

#[tokio::test]
async fn a_small_unread_body_costs_no_connection() {
    let server = Running::start(pushes(), Limits::default()).await;
    let mut socket = server.connect().await;
    let size = 100_000;
    for _ in 0..3 {
        let head = format!("POST /refuse HTTP/1.1\r\nHost: h\r\nContent-Length: {size}\r\n\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        // The answer comes first, the body after it must still not be taken for a request.
        check_start(&read_response(&mut socket).await, "HTTP/1.1 413 ");
        socket.write_all(&vec![b'x'; size]).await.unwrap();
    }
    let request = b"POST /read HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi";
    socket.write_all(request).await.unwrap();
    assert!(read_response(&mut socket).await.ends_with("\r\n\r\n2"));
}

#[tokio::test]
async fn a_body_without_end_is_not_read_for_ever() {
    let limits = Limits {
        discard_bytes: 1 << 20,
        ..Limits::default()
    };
    let server = Running::start(pushes(), limits).await;
    let (mut read, mut write) = server.connect().await.into_split();
    let head =
        b"POST /refuse HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n";
    write.write_all(head).await.unwrap();
    let sending = async { while write.write_all(&[b'x'; 4096]).await.is_ok() {} };
    let mut status = [0; 13];
    within(read.read_exact(&mut status)).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 413 ");
    within(sending).await;
}

#[tokio::test]
async fn a_body_cut_short_is_an_error_at_once() {
    let server = Running::start(pushes(), Limits::default()).await;
    let mut socket = server.connect().await;
    let request = b"POST /read HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf";
    socket.write_all(request).await.unwrap();
    socket.shutdown().await.unwrap();
    check_start(&read_to_end(&mut socket).await, "HTTP/1.1 400 ");
}
