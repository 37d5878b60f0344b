"""The role that events are stamped with."""

import pytest

from tidings.django import service


def source() -> str:
    return service.event("org.example.shop.note.added.v1", {"n": 1}).source


def test_a_command_stamps_as_a_worker_only_while_it_runs(sqlite):
    assert source() == "/example/shop/web"
    with service.working_as("worker"):
        assert source() == "/example/shop/worker"
        with service.working_as("web"):
            assert source() == "/example/shop/web"
        assert source() == "/example/shop/worker"
    assert source() == "/example/shop/web"


def test_it_is_given_back_when_the_command_fails(sqlite):
    with pytest.raises(ZeroDivisionError), service.working_as("worker"):
        raise ZeroDivisionError
    assert source() == "/example/shop/web"


def test_as_a_decorator_it_covers_each_call(sqlite):
    @service.working_as("worker")
    def command():
        return source()

    assert [command(), command()] == ["/example/shop/worker"] * 2
    assert source() == "/example/shop/web"
