//! A real Redis that is too old: what is said of it, and with which code.
//!
//! It comes from `scripts/redis60.sh`. Where it could not be installed `scripts/test.sh` says so and sets
//! `TIDINGS_OLD_REDIS=absent`; without that a missing server is a failure.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::site::root;

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(bus: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_tidings"))
        .args(arguments)
        .args(["--bus", bus])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.code(), said.into_owned())
}

#[test]
fn a_redis_that_is_too_old_is_refused_in_words() {
    if std::env::var_os("TIDINGS_OLD_REDIS").is_some_and(|old| old == "absent") {
        return;
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let program = root()
        .join(target)
        .join("redis-6.0/redis_server/bin/redis-server");
    assert!(
        program.exists(),
        "{} is missing: run scripts/redis60.sh first",
        program.display()
    );
    let folder = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port().to_string();
    drop(free);
    let server = Command::new(&program)
        .args([
            "--port",
            &port,
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let _server = Server(server);
    let bus = format!("redis://127.0.0.1:{port}");
    let end = Instant::now() + Duration::from_secs(30);
    while run(&bus, &["topics"]).0 != Some(0) {
        assert!(Instant::now() < end, "{:?}", run(&bus, &["topics"]));
        std::thread::sleep(Duration::from_millis(50));
    }
    let (code, said) = run(&bus, &["doctor"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("error[redis-version]: the server is Redis 6.0.9"),
        "{said}"
    );
    assert!(said.contains("needs Redis 6.2 or later"), "{said}");
    let group = ["--topic", "courses", "--group", "g"];
    for verb in [
        &["consume", "--until-idle", "1s"][..],
        &["groups", "create"],
    ] {
        let (code, said) = run(&bus, &[verb, &group].concat());
        assert_eq!(code, Some(69), "{said}");
        assert!(said.contains("groups need Redis 6.2 or later"), "{said}");
    }
}
