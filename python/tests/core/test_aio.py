"""The bus for asyncio."""

from __future__ import annotations

import asyncio

import pytest

from tidings import Message, NoRouteError, UnavailableError, aio

TYPE = "org.openedx.catalog.course.created.v1"


def test_publish_and_iterate(topic: str) -> None:
    async def main() -> None:
        async with aio.connect("memory:", service="lms") as bus:
            receipts = await asyncio.gather(
                *(bus.publish(type=TYPE, data={"n": n}, topic=topic) for n in range(10))
            )
            assert len(receipts) == 10
            seen = []
            async with bus.subscribe(topic, "g", start="earliest") as subscription:
                async for message in subscription:
                    seen.append(message.data["n"])
                    if len(seen) == 10:
                        message.ack()
                        break
            assert sorted(seen) == list(range(10))
            with pytest.raises(NoRouteError):
                await bus.publish(type=TYPE, data={})

    asyncio.run(main())


def test_handlers_run_together(topic: str) -> None:
    async def main() -> None:
        async with aio.connect("memory:", service="lms") as bus:
            await bus.publish_many(
                [bus.event(type=TYPE, data={"n": n}, key=str(n)) for n in range(4)], topic=topic
            )
            together = asyncio.Barrier(4)

            async def handle(message: Message) -> None:
                async with asyncio.timeout(60):
                    await together.wait()

            counts = await bus.consume(
                topic, "g", handle, start="earliest", concurrency=4, max_events=4
            )
            assert counts["delivered"] == 4

    asyncio.run(main())


def test_a_failing_handler_is_called_again(topic: str) -> None:
    async def main() -> None:
        async with aio.connect("memory:", service="lms") as bus:
            await bus.publish(type=TYPE, data={}, topic=topic)
            attempts = []

            async def handle(message: Message) -> None:
                attempts.append(message.attempt)
                if message.attempt < 3:
                    raise ValueError

            await bus.consume(
                topic, "g", handle, start="earliest", backoff=(0.001, 0.001), max_events=1
            )
            assert attempts == [1, 2, 3]

    asyncio.run(main())


def test_cancelling_drains(topic: str) -> None:
    async def main() -> None:
        async with aio.connect("memory:", service="lms") as bus:
            await bus.publish(type=TYPE, data={}, topic=topic)
            began = asyncio.Event()
            ended = []

            async def handle(message: Message) -> None:
                began.set()
                await asyncio.sleep(0.1)
                ended.append(message.event.id)

            consuming = asyncio.ensure_future(bus.consume(topic, "g", handle, start="earliest"))
            await began.wait()
            consuming.cancel()
            with pytest.raises(asyncio.CancelledError):
                await consuming
            assert len(ended) == 1

    asyncio.run(main())


def test_connecting_fails_as_it_does_elsewhere() -> None:
    async def main() -> None:
        async with aio.connect("redis://127.0.0.1:1"):
            pass

    with pytest.raises(UnavailableError):
        asyncio.run(main())
