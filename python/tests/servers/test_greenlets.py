"""With threads of gevent and eventlet: what waits for the log holds up the others, no more."""

from __future__ import annotations

import pytest

from tests.conftest import RedisServer, Script

PATCH = {
    "gevent": "from gevent import monkey; monkey.patch_all()",
    "eventlet": "import eventlet; eventlet.monkey_patch()",
}


@pytest.mark.parametrize("patch", PATCH.values(), ids=PATCH.keys())
def test_patched_threads_publish_and_consume(
    script: Script, shared_redis: RedisServer, topic: str, patch: str
) -> None:
    done = script.run(
        f"""
        {patch}
        import sys, threading, time
        import tidings

        TYPE = "org.openedx.catalog.course.created.v1"

        url, topic = sys.argv[1:]
        bus = tidings.connect(url, service="lms")
        bus.log.create_group(topic, "g")

        def publish(n):
            for m in range(10):
                bus.publish(
                    type=TYPE, data=[n, m], key=str(n), topic=topic
                )
                time.sleep(0)

        threads = [threading.Thread(target=publish, args=(n,)) for n in range(5)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()

        seen = []
        def handle(message):
            time.sleep(0.001)
            seen.append(tuple(message.data))
        counts = bus.consume(topic, "g", handle, concurrency=4, until_idle=2.0)
        assert counts["delivered"] == 50, counts
        assert sorted(seen) == [(n, m) for n in range(5) for m in range(10)], seen
        for n in range(5):
            of = [m for k, m in seen if k == n]
            assert of == sorted(of), seen
        print("done")
        """,
        shared_redis.url,
        topic,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "done\n"
    assert "Traceback" not in done.stderr
