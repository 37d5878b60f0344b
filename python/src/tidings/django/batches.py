"""Several events in one transaction, for receivers that ask for it.

A transaction costs more than most receivers do in it. So what lies ready for such a receiver
shares one: nothing is waited for. Events of one key never meet in it, since the next of a key is
handed out when the one before has been settled. When anything goes wrong, each event gets a
transaction of its own, as if there had been no batch.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial

from django.db import connections, transaction

from tidings import Event, Message, _consuming
from tidings._tidings import Stream
from tidings.django import inbox
from tidings.django.consuming import Desk, assert_kept, clean, clear_caches, database
from tidings.django.registry import Receiver

logger = logging.getLogger(__name__)

Outcome = Exception | None
"""What an event ended with, which has taken effect: a hook may have failed after the commit."""


class Batches:
    """Settles messages, those of receivers with a batch together."""

    def __init__(self, desk: Desk, stream: Stream, settle: Callable[[Message], None]) -> None:
        self._desk = desk
        self._stream = stream
        self._settle = settle

    def __call__(self, first: Message) -> None:
        """Settles a message, and what lies ready behind it."""
        waiting: Message | None = first
        while waiting is not None:
            receiver, messages, waiting = self._take(waiting)
            try:
                if receiver is None or len(messages) == 1:
                    self._apart(messages)
                else:
                    self._together(receiver, messages)
            except BaseException:
                _give_back([waiting] if waiting else [])
                raise

    def _take(self, first: Message) -> tuple[Receiver | None, list[Message], Message | None]:
        """The messages for one receiver, and one for another that was found behind them."""
        receiver, messages = self._receiver(first), [first]
        while receiver is not None and len(messages) < receiver.batch:
            another = self._stream.next(0)
            if another is None:
                break
            if self._receiver(another) is not receiver:
                return receiver, messages, another
            messages.append(another)
        return receiver, messages, None

    def _receiver(self, message: Message) -> Receiver | None:
        """Who receives it in a batch."""
        if message.attempt > 1:
            # It has failed, or what ran beside it has: others are not to suffer from it.
            return None
        receiver = self._desk.receiver(message)
        return receiver if receiver is not None and receiver.batch > 1 else None

    def _together(self, receiver: Receiver, messages: Sequence[Message]) -> None:
        try:
            outcomes = apply(receiver, self._desk.group, [m.event for m in messages])
        except Exception as error:
            logger.info(
                "a batch of %s events did not succeed (%s): each is dealt with by itself",
                len(messages),
                _consuming.reason_of(error),
            )
            self._apart(messages)
        except BaseException:
            _give_back(messages)
            raise
        else:
            for message, failure in zip(messages, outcomes, strict=True):
                if failure is None:
                    message.ack()
                else:
                    _consuming.fail(message, failure)

    def _apart(self, messages: Sequence[Message]) -> None:
        for n, message in enumerate(messages):
            try:
                self._settle(message)
            except BaseException:
                _give_back(messages[n:])
                raise


def apply(receiver: Receiver, group: str, events: Sequence[Event]) -> list[Outcome]:
    """Gives events to a receiver in one transaction.

    Raises if any of them fails or is not new: then nothing has taken effect. The outcomes are those
    of what the receiver left to do ``on_commit``.
    """
    alias = database(receiver)
    connection = connections[alias]
    outcomes: list[Outcome] = [None] * len(events)

    def run(hook: Callable[[], object], n: int) -> None:
        # Django runs no further hook after one that raises, and the next may be another event's.
        try:
            hook()
        except Exception as error:
            outcomes[n] = outcomes[n] or error

    with clean(), transaction.atomic(using=alias):
        if not inbox.record_all(group, events, using=alias):
            raise NotNew("some of them have taken effect before")
        for n, event in enumerate(events):
            known = len(connection.run_on_commit)
            receiver.function(event)
            assert_kept(connection)
            clear_caches()
            hooks = connection.run_on_commit
            for at in range(known, len(hooks)):
                points, hook, robust = hooks[at]
                if not robust:
                    hooks[at] = (points, partial(run, hook, n), robust)
        if not inbox.holds(group, events[0], using=alias):
            # MySQL rolls all of it back on a deadlock, and a receiver may have caught that error.
            raise transaction.TransactionManagementError("the transaction has been rolled back")
    return outcomes


class NotNew(Exception):
    """Some events of a batch have taken effect before."""


def _give_back(messages: Sequence[Message]) -> None:
    """The process is being ended: what is not settled comes again."""
    for message in messages:
        message.fail("the process was asked to end while the handler ran")
