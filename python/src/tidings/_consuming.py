"""Runs handlers over a stream: in this thread or in several, until a signal says stop."""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from tidings import _threads
from tidings._tidings import Message, Stream
from tidings.errors import PermanentError, PoisonError, TidingsError

logger = logging.getLogger("tidings.consumer")

Handle = Callable[[Message], object]

_TICK = 0.5
"""Seconds after which a waiting thread looks whether the stream has ended."""


def settle(message: Message, handle: Handle) -> None:
    """Hands one message to a handler, and settles it by what comes of it."""
    try:
        handle(message)
    except Exception as error:
        fail(message, error)
    except BaseException:
        # The process is being ended: the message comes again.
        message.fail("the process was asked to end while the handler ran")
        raise
    else:
        message.ack()


def fail(message: Message, error: BaseException) -> None:
    """Logs that a handler raised, and settles its message by that."""
    logger.error(
        "handler failed: type=%s id=%s topic=%s group=%s attempt=%s",
        message.event.type,
        message.event.id,
        message.topic,
        message.group,
        message.attempt,
        exc_info=error,
    )
    message.fail(
        reason_of(error),
        temporary=not isinstance(error, PermanentError),
        poison=isinstance(error, PoisonError),
    )


def reason_of(error: BaseException) -> str:
    """What a dead letter says of an exception: its class and place, never its text.

    The text of an exception often quotes the data that it is about. What Tidings itself or the
    handler says on purpose is kept.
    """
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    if isinstance(error, PermanentError | TidingsError):
        return f"{name}: {error}"
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return name
    code = traceback.tb_frame.f_code
    return f"{name} in {code.co_name} (line {traceback.tb_lineno} of {code.co_filename})"


@contextlib.contextmanager
def stopping_on_signals(stop: Callable[[], object]) -> Iterator[None]:
    """SIGTERM and SIGINT stop the stream gracefully; a second SIGINT interrupts as usual.

    Only the main thread may set handlers; elsewhere the caller stops the stream itself.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[int, Any] = {}

    def handler(number: int, _frame: FrameType | None) -> None:
        logger.info("asked to stop by %s; draining", signal.Signals(number).name)
        stop()
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, before[signal.SIGINT])

    for number in map(int, (signal.SIGTERM, signal.SIGINT)):
        before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, previous in before.items():
            # None was not set by Python; it cannot be put back, and the default serves.
            signal.signal(number, signal.SIG_DFL if previous is None else previous)


def run(
    stream: Stream,
    handle: Handle,
    *,
    threads: int = 1,
    idle: Callable[[], object] | None = None,
    idle_seconds: float = _TICK,
    rest: Callable[[], object] | None = None,
    ended: Callable[[], object] | None = None,
) -> dict[str, int]:
    """Handles messages until the stream ends, and returns its counts.

    With one thread the handler runs in the caller's. ``handle`` settles the message itself.
    ``idle`` is called in the caller's thread while nothing comes, ``rest`` in each that handles,
    and ``ended`` by each of several threads before it ends. Where threads are greenlets, one does
    everything.
    """
    if threads > 1 and _threads.are_greenlets():
        logger.warning(
            "gevent or eventlet has patched threads, and waiting for the log holds up all of them: "
            "handlers run one at a time. Consume in a process without patches"
        )
        threads = 1
    if threads <= 1:
        _work(stream, handle, idle or rest, idle_seconds)
        return finish(stream)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            _work(stream, handle, rest, _TICK)
        except BaseException as error:
            failures.append(error)
            stream.stop()
        finally:
            if ended is not None:
                ended()

    workers = [
        threading.Thread(target=work, name=f"tidings-worker-{n}", daemon=True)
        for n in range(threads)
    ]
    for worker in workers:
        worker.start()
    try:
        while stream.join(idle_seconds) is None:
            if idle is not None:
                idle()
    except BaseException:
        stream.stop()
        raise
    finally:
        for worker in workers:
            worker.join()
    if failures:
        raise failures[0]
    return finish(stream)


def _work(
    stream: Stream, handle: Handle, idle: Callable[[], object] | None, idle_seconds: float
) -> None:
    try:
        while True:
            message = stream.next(idle_seconds)
            if message is not None:
                handle(message)
            elif stream.ended:
                return
            else:
                if idle is not None:
                    idle()
                # Elsewhere threads have their turn by themselves, but greenlets do not.
                time.sleep(0)
    except BaseException:
        # What nobody takes any more is given back at once instead of after the drain.
        stream.stop()
        raise


def finish(stream: Stream) -> dict[str, int]:
    """Waits for the end, and raises what ended it."""
    summary = stream.join()
    assert summary is not None, "without a timeout there is an end"
    return summary
