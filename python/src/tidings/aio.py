"""The bus for asyncio.

>>> import asyncio
>>> from tidings import aio
>>> async def tell() -> None:
...     async with aio.connect("memory:", service="discovery") as bus:
...         await bus.publish(type="org.openedx.catalog.course.created.v1", topic="courses")
>>> asyncio.run(tell())
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from tidings import bus as sync
from tidings._consuming import fail
from tidings._tidings import Event, Message, Receipt, Stream
from tidings.errors import TidingsError

_T = TypeVar("_T")

Handler = Callable[[Message], Awaitable[object]]


def connect(url: str, **settings: Any) -> Bus:
    """A bus for ``async with``; the arguments are those of :func:`tidings.connect`."""
    return Bus(sync.Bus(url, **settings))


async def _later(
    start: Callable[[Callable[[_T | None, BaseException | None], object]], None],
) -> _T:
    """Waits for a result that the native module hands over from another thread."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_T] = loop.create_future()

    def settle(result: _T | None, error: BaseException | None) -> None:
        if future.done():
            # Nobody waits any more: a message must not wait with them.
            if isinstance(result, Message):
                result.fail("the task that waited for the message was cancelled")
        elif error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def done(result: _T | None, error: BaseException | None) -> None:
        try:
            loop.call_soon_threadsafe(settle, result, error)
        except RuntimeError:
            # The loop is closed.
            if isinstance(result, Message):
                result.fail("the event loop that waited for the message was closed")

    start(done)
    return await future


class Bus:
    """A bus whose waiting is awaited."""

    def __init__(self, bus: sync.Bus) -> None:
        self.sync = bus
        """The same bus for code that blocks."""

    def event(self, **attributes: Any) -> Event:
        """Makes an event, stamped by the service of this bus."""
        return self.sync.event(**attributes)

    async def publish(
        self,
        event: Event | None = None,
        *,
        topic: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the log has its own bound
        **attributes: Any,
    ) -> list[Receipt]:
        """As :meth:`tidings.Bus.publish`. Cancelling does not take it back."""
        made = self.sync._made(event, attributes)
        (result,) = await self._publish([(made, topic)], timeout)
        if isinstance(result, TidingsError):
            raise result
        return result

    async def publish_many(
        self,
        events: Iterable[Event],
        *,
        topic: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the log has its own bound
    ) -> list[list[Receipt] | TidingsError]:
        """As :meth:`tidings.Bus.publish_many`."""
        return await self._publish([(event, topic) for event in events], timeout)

    async def _publish(
        self, events: list[tuple[Event, str | None]], timeout: float | None
    ) -> list[list[Receipt] | TidingsError]:
        return await _later(lambda done: self.sync.publish_later(events, done, timeout))

    def subscribe(self, topics: str | Sequence[str], group: str, **options: Any) -> Subscription:
        """As :meth:`tidings.Bus.subscribe`, for ``async for``."""
        return Subscription(self.sync.subscribe(topics, group, **options).stream)

    async def consume(
        self,
        topics: str | Sequence[str],
        group: str,
        handler: Handler,
        *,
        concurrency: int = 32,
        **options: Any,
    ) -> dict[str, int]:
        """As :meth:`tidings.Bus.consume`, with up to ``concurrency`` handlers at once as tasks.

        Cancelling it drains as a signal would.
        """
        subscription = self.subscribe(topics, group, concurrency=concurrency, **options)
        stream = subscription.stream

        async def work() -> None:
            while (message := await _next(stream)) is not None:
                await _settle(message, handler)

        with _stopping_on_signals(stream.stop):
            workers = asyncio.gather(*(work() for _ in range(concurrency)))
            try:
                await asyncio.shield(workers)
            except asyncio.CancelledError:
                stream.stop()
                with contextlib.suppress(Exception):
                    await workers
                raise
            finally:
                stream.stop()
        return await asyncio.to_thread(_finish, stream)

    async def close(self) -> None:
        """Closes the connections of this process."""
        await asyncio.to_thread(self.sync.flush)
        self.sync.close()

    async def __aenter__(self) -> Self:
        """Connects."""
        await asyncio.to_thread(self.sync.open)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes."""
        await self.close()


class Subscription:
    """Messages of a group, for ``async for``; settled as :class:`tidings.Subscription` does."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        """The stream underneath."""

    async def __aiter__(self) -> AsyncIterator[Message]:
        """Messages until the subscription ends."""
        current: Message | None = None
        try:
            while (message := await _next(self.stream)) is not None:
                current = message
                yield message
                message.ack()
                current = None
            await asyncio.to_thread(_finish, self.stream)
        finally:
            if current is not None:
                current.fail("the loop was left before the message was acknowledged")
            self.stream.stop()

    def stop(self) -> None:
        """Takes no new messages; what runs may finish."""
        self.stream.stop()

    async def __aenter__(self) -> Self:
        """For ``async with``."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leaves the group."""
        self.stream.stop()
        await asyncio.to_thread(self.stream.join)


async def _next(stream: Stream) -> Message | None:
    return await _later(stream.next_later)


async def _settle(message: Message, handler: Handler) -> None:
    try:
        await handler(message)
    except Exception as error:
        fail(message, error)
    except BaseException:
        message.fail("the handler was cancelled")
        raise
    else:
        message.ack()


def _finish(stream: Stream) -> dict[str, int]:
    summary = stream.join()
    assert summary is not None, "without a timeout there is an end"
    return summary


@contextlib.contextmanager
def _stopping_on_signals(stop: Callable[[], object]) -> Iterator[None]:
    """SIGTERM drains; what Ctrl-C does is asyncio's business (it cancels the main task)."""
    loop = asyncio.get_running_loop()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    try:
        loop.add_signal_handler(signal.SIGTERM, stop)
    except (NotImplementedError, RuntimeError):
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
