//! Connections that nobody uses, and what happens at their limit.

use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

/// Serves a route that answers at once and one that takes five minutes, over so many
/// connections.
async fn served(places: usize) -> SocketAddr {
    let slow = async || {
        tokio::time::sleep(Duration::from_mins(5)).await;
        "late"
    };
    let router = Router::new().route("/", get(async || "here")).route("/slow", get(slow));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections =
        Connections { places: Arc::new(Semaphore::new(places)), open: Mutex::default() };
    tokio::spawn(accept(listener, router, connections, std::future::pending()));
    address
}

/// Sends bytes and waits until the other side closes: what it answered, and after how long.
async fn sent(address: SocketAddr, bytes: &[u8]) -> (String, Duration) {
    let begun = Instant::now();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // A reset is an end too.
    let _ = stream.read_to_end(&mut answer).await;
    (String::from_utf8_lossy(&answer).into_owned(), begun.elapsed())
}

// The clock stands still, except for the waits of the tasks.
#[tokio::test(start_paused = true)]
async fn wk8_connections_that_nobody_uses_are_closed() {
    let address = served(10).await;
    let (answer, after) = sent(address, b"GET / HTTP/1.1\r\nhost: x\r\nx-half: ").await;
    assert!(answer.is_empty() && after >= HEADERS && after < HEADERS + REST, "{after:?}");
    let (answer, after) = sent(address, b"").await;
    assert!(answer.is_empty() && after >= IDLE && after < IDLE + REST, "{after:?}");
    let (answer, after) = sent(address, REQUEST).await;
    assert!(answer.ends_with("here") && after >= IDLE && after < IDLE + REST, "{after:?}");
    let second_half = [REQUEST, b"GET / HTTP/1.1\r\nhost"].concat();
    let (answer, after) = sent(address, &second_half).await;
    assert!(answer.ends_with("here") && after < IDLE + REST, "{after:?}");
    let slow = b"GET /slow HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let (answer, after) = sent(address, slow).await;
    assert!(answer.ends_with("late") && after >= Duration::from_mins(5), "{after:?}");
}

#[tokio::test]
async fn wk8_no_connection_is_closed_before_another_one_needs_its_place() {
    let address = served(2).await;
    let mut streams = Vec::new();
    for _ in 0..2 {
        streams.push(TcpStream::connect(address).await.unwrap());
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    // Longer than the listener waits until it looks again.
    tokio::time::sleep(2 * REST).await;
    for stream in &mut streams {
        stream.write_all(REQUEST).await.unwrap();
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn wk8_a_new_connection_takes_the_place_of_the_one_unused_for_longest() {
    let address = served(3).await;
    let mut unused = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /").await.unwrap();
        unused.push(stream);
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    let ended =
        |request: &str| format!("GET {request} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let (answer, _) = sent(address, ended("/").as_bytes()).await;
    assert!(answer.ends_with("here"), "{answer}");
    assert_eq!(unused[0].read(&mut [0; 1]).await.unwrap_or(0), 0, "the oldest is closed");
    for stream in &mut unused[1..] {
        stream.write_all(b" HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 1);
    }
}
