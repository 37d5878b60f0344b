"""Forks, threads, signals and the end of the interpreter. Everything here must end by itself."""

from __future__ import annotations

import signal
from pathlib import Path

import tidings
from tests.conftest import RedisServer, Script

TYPE = "org.openedx.catalog.course.created.v1"


def test_prefork_workers_share_neither_connection_nor_ids(
    shared_redis: RedisServer, script: Script, topic: str
) -> None:
    """As gunicorn does it: the bus is used before the fork, and by every worker after it."""
    done = script.run(
        f"""
        import os, sys, threading
        import tidings

        url, topic = sys.argv[1:]
        bus = tidings.connect(url, service="lms")
        for n in range(50):
            bus.publish(type={TYPE!r}, data={{"n": n}}, topic=topic)
        # A thread that publishes all the while: the fork must not leave its locks locked.
        stop = threading.Event()
        def busy():
            while not stop.is_set():
                bus.publish(type={TYPE!r}, data={{}}, topic=topic + "-busy")
        threads = [threading.Thread(target=busy) for _ in range(3)]
        for thread in threads: thread.start()
        children = []
        for worker in range(6):
            pid = os.fork()
            if pid == 0:
                for n in range(50):
                    bus.publish(type={TYPE!r}, data={{"n": n}}, topic=topic)
                grandchild = os.fork()
                if grandchild == 0:
                    bus.publish(type={TYPE!r}, data={{}}, topic=topic)
                    sys.exit(0)
                assert os.waitpid(grandchild, 0)[1] == 0
                sys.exit(0)
            children.append(pid)
        for pid in children:
            assert os.waitpid(pid, 0)[1] == 0
        stop.set()
        for thread in threads: thread.join()
        bus.publish(type={TYPE!r}, data={{}}, topic=topic)
        """,
        shared_redis.url,
        topic,
    )
    assert done.returncode == 0, done.stderr
    bus = tidings.connect(shared_redis.url)
    read = [event for _, event in bus.log.read(topic) if isinstance(event, tidings.Event)]
    assert len(read) == 50 + 6 * 51 + 1
    assert len({event.id for event in read}) == len(read)
    # One identity (clock sequence and node) a process: 1 + 6 workers + 6 grandchildren.
    assert len({event.id[19:] for event in read}) == 13


def test_a_subscription_does_not_cross_a_fork(script: Script) -> None:
    done = script.run(
        """
        import os, sys
        import tidings

        bus = tidings.connect("memory:", service="lms")
        subscription = bus.subscribe("t", "g")
        pid = os.fork()
        if pid == 0:
            try:
                subscription.stream.next(1)
            except tidings.ClosedError as error:
                assert "subscribe again" in str(error), error
                sys.exit(7)
            sys.exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
        """
    )
    assert done.returncode == 0, done.stderr


def test_the_interpreter_ends_while_threads_consume(script: Script) -> None:
    for daemon in (True, False):
        done = script.run(
            f"""
            import threading, time
            import tidings

            bus = tidings.connect("memory:", service="lms")
            bus.log.create_group("t", "g")
            bus.publish(type={TYPE!r}, data={{}}, topic="t")
            began = threading.Event()
            def handle(message):
                began.set()
                time.sleep(0.3)
                print("handled", flush=True)
            thread = threading.Thread(
                target=bus.consume, args=("t", "g", handle), daemon={daemon}
            )
            thread.start()
            assert began.wait(60)
            # And here the main thread ends.
            """
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout == "handled\n", "what runs may finish"


def test_the_interpreter_ends_by_an_exception_while_workers_consume(script: Script) -> None:
    done = script.run(
        f"""
        import tidings

        bus = tidings.connect("memory:", service="lms")
        bus.log.create_group("t", "g")
        bus.publish(type={TYPE!r}, data={{}}, topic="t")
        for message in bus.subscribe("t", "g"):
            raise SystemExit(3)
        """
    )
    assert done.returncode == 3, done.stderr


def test_sigterm_drains(script: Script, shared_redis: RedisServer, topic: str) -> None:
    for concurrency in ("1", "3"):
        bus = tidings.connect(shared_redis.url, service="lms")
        bus.log.create_group(topic, concurrency)
        bus.publish(type=TYPE, data={}, topic=topic)
        process = script.start(
            """
            import sys, time
            import tidings

            url, topic, concurrency = sys.argv[1:]
            bus = tidings.connect(url)
            def handle(message):
                print("began", flush=True)
                time.sleep(0.5)
                print("ended", flush=True)
            counts = bus.consume(topic, concurrency, handle, concurrency=int(concurrency))
            print(counts["delivered"], flush=True)
            """,
            shared_redis.url,
            topic,
            concurrency,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "began\n"
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert out.split() == ["ended", "1"]


def test_ctrl_c_ends_a_wait(script: Script) -> None:
    process = script.start(
        """
        import signal
        import tidings

        # A shell that starts something in the background has it ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)

        bus = tidings.connect("memory:", service="lms")
        stream = bus.subscribe("t", "g").stream
        print("waiting", flush=True)
        stream.next()
        """
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in err


def test_a_consumer_that_cannot_do_its_work_raises(script: Script, own_redis: RedisServer) -> None:
    own_redis.stop()
    done = script.run(
        """
        import sys
        import tidings

        bus = tidings.Bus(sys.argv[1])
        bus.consume("t", "g", print, on_failure="stop", concurrency=1, give_up_after=0.0)
        """,
        own_redis.url,
    )
    assert done.returncode == 1
    assert "give_up_after" in done.stderr


def test_handlers_in_a_process_that_was_killed_come_again(
    script: Script, shared_redis: RedisServer, topic: str
) -> None:
    bus = tidings.connect(shared_redis.url, service="lms")
    bus.log.create_group(topic, "g")
    bus.publish(type=TYPE, data={}, topic=topic)
    process = script.start(
        """
        import sys, time
        import tidings

        bus = tidings.connect(sys.argv[1])
        def handle(message):
            print("began", flush=True)
            time.sleep(600)
        bus.consume(sys.argv[2], "g", handle, lease=1.0)
        """,
        shared_redis.url,
        topic,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "began\n"
    process.kill()
    process.communicate()
    attempts: list[int] = []
    bus.consume(
        topic, "g", lambda message: attempts.append(message.attempt), lease=1.0, max_events=1
    )
    assert attempts == [2]


def test_what_kills_the_process_takes_no_attempt_of_others(
    script: Script, shared_redis: RedisServer, topic: str, tmp_path: Path
) -> None:
    """A supervisor starts the consumer again and again, until the killer's attempts are spent."""
    for threads, work in ((1, 0.0), (1, 0.02), (3, 0.02)):
        name = f"{topic}-{threads}-{work}".replace(".", "-")
        bus = tidings.connect(shared_redis.url, service="lms")
        bus.log.create_group(name, "g", "earliest")
        for n in range(12):
            key = "killer" if n == 4 else f"k{n % 3}"
            bus.publish(type=TYPE, data={"n": n}, topic=name, key=key)
        journal = tmp_path / name
        for _ in range(20):
            done = script.run(
                """
                import os, sys, time
                import tidings

                url, topic, journal, threads, work = sys.argv[1:]
                bus = tidings.connect(url)
                def handle(message):
                    if message.key == "killer":
                        os._exit(9)
                    time.sleep(float(work))
                    with open(journal, "a") as file:
                        print(message.data["n"], message.key, message.attempt, file=file)
                counts = bus.consume(
                    topic, "g", handle, concurrency=int(threads), lease=0.3, max_attempts=3,
                    until_idle=1.0,
                )
                assert counts["parked"] == 1, counts
                """,
                shared_redis.url,
                name,
                str(journal),
                str(threads),
                str(work),
            )
            if done.returncode == 0:
                break
            assert done.returncode == 9, done.stderr
        lines = [line.split() for line in journal.read_text().splitlines()]
        found = {int(n): int(attempt) for n, _, attempt in lines}
        assert sorted(found) == [n for n in range(12) if n != 4], (threads, work)
        if threads == 1 and work:
            # What ended before the kill may not have been settled; what stood behind never began.
            assert {found[n] for n in range(5, 12)} == {1}
        for key in ("k0", "k1", "k2"):
            first_times = list(dict.fromkeys(int(n) for n, of, _ in lines if of == key))
            assert first_times == sorted(first_times), "events of a key come in order"
        (letter,) = bus.log.dead_letters(name, "g")
        assert (letter["key"], letter["attempts"], letter["reason"]) == ("killer", 3, "attempts")


def test_log_records_reach_python(script: Script, tmp_path: Path) -> None:
    done = script.run(
        f"""
        import logging, sys, time
        logging.basicConfig(level=logging.INFO, format="%(name)s %(levelname)s %(message)s")
        import tidings

        bus = tidings.connect("memory:", service="lms")
        bus.publish(type={TYPE!r}, data={{"secret": 1}}, topic="t")
        def handle(message):
            raise tidings.PermanentError("no such course")
        logging.getLogger("tidings.consumer").disabled = True
        bus.consume("t", "g", handle, start="earliest", max_events=1)
        """
    )
    assert done.returncode == 0, done.stderr
    assert "tidings.runtime INFO made the group" in done.stderr
    assert "tidings.runtime ERROR an event becomes a dead letter" in done.stderr
    assert "secret" not in done.stderr


def test_a_log_that_is_away_is_told_to_who_waits_for_it(
    script: Script, own_redis: RedisServer
) -> None:
    """As Python shows warnings where nobody has set up logging."""
    own_redis.stop()
    done = script.run(
        """
        import sys
        import tidings

        stream = tidings.Bus(sys.argv[1]).subscribe("t", "g").stream
        while not stream.counts()["outages"]:
            assert stream.next(0.1) is None
        """,
        own_redis.url,
    )
    assert done.returncode == 0, done.stderr
    assert "the log does not answer; trying again" in done.stderr


def test_a_process_that_only_publishes_has_no_thread_of_ours(
    script: Script, shared_redis: RedisServer, topic: str
) -> None:
    """Servers publish before they fork, and then close what is open."""
    done = script.run(
        f"""
        import os, sys
        import tidings

        before = len(os.listdir("/proc/self/task"))
        bus = tidings.connect(sys.argv[1], service="lms")
        bus.publish(type={TYPE!r}, data={{}}, topic=sys.argv[2])
        assert len(os.listdir("/proc/self/task")) == before
        """,
        shared_redis.url,
        topic,
    )
    assert done.returncode == 0, done.stderr


def test_what_the_reporter_cannot_say_does_not_hold_up_the_end(script: Script) -> None:
    done = script.run(
        f"""
        import logging, sys, time
        import tidings
        from tidings import _lifetime

        class Stuck(logging.Handler):
            def createLock(self):
                # Python itself waits for it at the end.
                self.lock = None
            def emit(self, record):
                if record.name == "tidings.runtime":
                    time.sleep(3600)

        _lifetime.EXIT_SECONDS = 1.0
        logging.basicConfig(level=logging.INFO, handlers=[Stuck()])
        bus = tidings.connect("memory:", service="lms")
        bus.publish(type={TYPE!r}, data={{}}, topic="t")
        bus.consume("t", "g", lambda message: None, start="earliest", max_events=1)
        """
    )
    assert done.returncode == 0, done.stderr
