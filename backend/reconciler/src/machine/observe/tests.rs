use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use valkyard_model::{DataSeen, Pid, ProcessState};

use super::*;

const NO_FOLDER: Place = Place { files: Seen::Absent, process: Seen::Absent };
const FOLDER: Seen<FilesSeen> =
    Seen::Known(FilesSeen { data: DataSeen { log: None, snapshot: None }, memory: None, import: None });
const STOPPED: Place = Place { files: FOLDER, process: Seen::Absent };
const LOCK_FILE_LOST: Place = Place { files: FOLDER, process: Seen::Unknown };
const RUNNING: Place =
    Place { files: FOLDER, process: Seen::Known(ProcessSeen { pid: Pid(4_711), state: ProcessState::Running }) };

async fn listener() -> (TcpListener, SocketAddrV4) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
    let address = listener.local_addr().expect("has an address").to_string().parse().expect("is IPv4");
    (listener, address)
}

async fn engine_at(address: SocketAddrV4, place: Place) -> Seen<EngineSeen> {
    let secret = AdminSecret::from_random([7; 32]);
    look_at_node(NodeSerial(0), place, address, None, &secret).await.observation.engine
}

#[tokio::test]
async fn nobody_who_listens_is_an_absent_engine() {
    let (listener, address) = listener().await;
    drop(listener);
    for place in [NO_FOLDER, STOPPED, LOCK_FILE_LOST, RUNNING] {
        assert_eq!(engine_at(address, place).await, Seen::Absent);
    }
}

#[tokio::test]
async fn a_port_that_accepts_and_keeps_silent_is_an_unknown_engine() {
    // Never accepted from: the kernel does, as for a stopped process.
    let (_silent, address) = listener().await;
    for place in [NO_FOLDER, LOCK_FILE_LOST, RUNNING] {
        assert_eq!(engine_at(address, place).await, Seen::Unknown);
    }
}

#[tokio::test]
async fn a_process_that_stands_still_is_an_unknown_engine_and_is_not_waited_for() {
    let (_silent, address) = listener().await;
    let standing = Seen::Known(ProcessSeen { pid: Pid(4_711), state: ProcessState::Stopped });
    let place = Place { files: FOLDER, process: standing };
    let asked = timeout(ASK_TIME_MAX / 3, engine_at(address, place)).await;
    assert_eq!(asked, Ok(Seen::Unknown));
}

#[tokio::test]
async fn a_silent_engine_does_not_hold_up_a_look_for_long() {
    let (_silent, address) = listener().await;
    let asked = timeout(ASK_TIME_MAX * 2, engine_at(address, RUNNING)).await;
    assert_eq!(asked, Ok(Seen::Unknown));
}

#[tokio::test]
async fn an_engine_is_left_alone_only_where_its_lock_says_that_it_is_gone() {
    let (listener, address) = listener().await;
    let serving = tokio::spawn(async move {
        let mut asked = 0;
        loop {
            let (mut client, _) = listener.accept().await.expect("accepts");
            let mut first = [0];
            if client.read(&mut first).await.expect("reads") == 0 {
                return asked;
            }
            asked += 1;
            client.write_all(b"-LOADING\r\n").await.expect("answers");
        }
    });
    assert_eq!(engine_at(address, STOPPED).await, Seen::Absent);
    for place in [NO_FOLDER, LOCK_FILE_LOST, RUNNING] {
        assert_eq!(engine_at(address, place).await, Seen::Unknown);
    }
    drop(tokio::net::TcpStream::connect(address).await.expect("connects"));
    assert_eq!(serving.await.expect("serves"), 3);
}
