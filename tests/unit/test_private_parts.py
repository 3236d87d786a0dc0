"""What we use of libraries that they do not promise: a test a part, so that an upgrade names it at once."""

import inspect

import click
from google.cloud import logging, logging_v2


def test_click_makes_the_option_help_once_a_command() -> None:
    command = click.Command("x")
    option = command.get_help_option(click.Context(command))
    assert command._help_option is option
    command._help_option = None
    assert command.get_help_option(click.Context(command)) is not option


def test_google_cloud_logging_can_be_read_without_grpc() -> None:
    assert "_use_grpc" in inspect.signature(logging.Client).parameters


def test_google_cloud_logging_remembers_that_it_has_introduced_itself() -> None:
    assert isinstance(logging_v2._instrumentation_emitted, bool)
