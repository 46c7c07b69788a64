//! Heads of requests: what is refused, how large and how slow they may be.

use super::*;

#[tokio::test]
async fn requests_that_mean_nothing_are_400() {
    let server = Running::start(hello(), Limits::default()).await;
    let check = async |request: &str, body: &str| {
        let response = server.exchange(request.as_bytes()).await;
        check_start(&response, "HTTP/1.1 400 Bad Request\r\n");
        assert!(response.ends_with(body), "{response:?}");
    };
    check(
        "GET / HTTP/1.1\r\n\r\n",
        "\r\n\r\n400 Bad Request: missing required Host header",
    )
    .await;
    check(
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "\r\n\r\n400 Bad Request: too many Host headers",
    )
    .await;
    for target in ["/%", "/a%2", "/%zz/b", "nowhere"] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n");
        check(&request, "\r\n\r\n400 Bad Request").await;
    }
    check("nonsense\r\n\r\n", "").await;
}

#[tokio::test]
async fn well_escaped_targets_pass() {
    let server = Running::start(Router::new().fallback(async || "ok"), Limits::default()).await;
    for target in ["/%20%2f", "/?%zz", "/\u{fc}", "*", "http://h/a"] {
        let request = format!("OPTIONS {target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        check_start(&server.exchange(request.as_bytes()).await, "HTTP/1.1 200");
    }
}

#[tokio::test]
async fn a_head_too_large_is_431_even_to_those_who_go_on_sending() {
    let limits = Limits {
        head_bytes: 64 << 10,
        ..Limits::default()
    };
    let server = Running::start(hello(), limits).await;
    let mut request = b"GET / HTTP/1.1\r\nHost: h\r\nX: ".to_vec();
    request.resize(2 << 20, b'x');
    let response = server.exchange(&request).await;
    check_start(&response, "HTTP/1.1 431 ");
}

#[tokio::test]
async fn a_megabyte_of_head_is_allowed() {
    let server = Running::start(hello(), Limits::default()).await;
    let mut request = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX: ".to_vec();
    request.resize((1 << 20) - 4, b'x');
    request.extend(b"\r\n\r\n");
    check_start(&server.exchange(&request).await, "HTTP/1.1 200");
}

#[tokio::test(start_paused = true)]
async fn silent_and_slow_heads_are_cut_off() {
    let limits = Limits {
        head_time: SHORT,
        ..Limits::default()
    };
    let server = Running::start(hello(), limits).await;
    assert_eq!(server.exchange(b"").await, "");
    assert_eq!(server.exchange(b"GET / HTTP/1.1\r\nHos").await, "");
    let mut kept = server.connect().await;
    kept.write_all(GET).await.unwrap();
    read_response(&mut kept).await;
    kept.write_all(b"GET / HTTP").await.unwrap();
    assert_eq!(read_to_end(&mut kept).await, "");
}

#[tokio::test(start_paused = true)]
async fn idle_time_is_not_head_time() {
    let limits = Limits {
        head_time: SHORT,
        ..Limits::default()
    };
    let server = Running::start(hello(), limits).await;
    let mut socket = server.connect().await;
    for _ in 0..3 {
        socket.write_all(GET).await.unwrap();
        check_start(&read_response(&mut socket).await, "HTTP/1.1 200");
        tokio::time::sleep(2 * SHORT).await;
    }
}

#[tokio::test(start_paused = true)]
async fn idle_connections_are_closed() {
    let limits = Limits {
        idle_time: SHORT,
        ..Limits::default()
    };
    let server = Running::start(hello(), limits).await;
    let mut socket = server.connect().await;
    socket.write_all(GET).await.unwrap();
    read_response(&mut socket).await;
    assert_eq!(read_to_end(&mut socket).await, "");
}

#[tokio::test(start_paused = true)]
async fn a_request_may_take_longer_than_a_connection_may_idle() {
    let limits = Limits {
        idle_time: SHORT,
        head_time: SHORT,
        ..Limits::default()
    };
    let (router, mut called) = on_demand();
    let server = Running::start(router, limits).await;
    let mut socket = server.connect().await;
    socket.write_all(GET).await.unwrap();
    let answer = within(called.recv()).await.unwrap();
    tokio::time::sleep(4 * SHORT).await;
    answer.send(()).unwrap();
    assert!(read_response(&mut socket).await.ends_with("at last"));
}
