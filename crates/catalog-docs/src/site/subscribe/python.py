# What the site shows of Python. A test runs it; the site puts type and topic into it.

import os

import tidings

bus = tidings.connect(os.environ["TIDINGS_BUS"])


def on_event(message: tidings.Message) -> None:
    if message.event.type == "TYPE":
        print(message.data)


bus.consume("TOPIC", "GROUP", on_event)
