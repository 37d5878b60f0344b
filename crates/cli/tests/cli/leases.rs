//! A handler that takes many times its lease, on each log.

use tidings_conformance::servers::{RedisOptions, RedisServer};

use crate::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_handler_keeps_its_lease() {
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    for bus in ["sqlite:bus.db".to_owned(), server.url()] {
        let site = Site::new();
        let document = crate::site::document(1);
        site.feed(&["publish", "--topic", "courses", "--bus", &bus], &document)
            .ok();
        // Two of one group: the other would take over what is not kept.
        let slow = "echo begun >> begun; sleep 4";
        let consume = [
            "consume",
            "--topic",
            "courses",
            "--group",
            "g",
            "--from",
            "earliest",
            "--lease",
            "500ms",
            "--until-idle",
            "5s",
            "--exec",
            slow,
            "--bus",
            &bus,
        ];
        let children = [0, 1].map(|_| site.command(&consume).spawn().unwrap());
        for mut child in children {
            assert_eq!(child.wait().unwrap().code(), Some(0));
        }
        let begun = std::fs::read_to_string(site.folder().join("begun")).unwrap();
        assert_eq!(begun.lines().count(), 1, "{bus}");
    }
}
