"""What a service says is wrong: what may pass, what is too large, and what is refused for good."""

from __future__ import annotations

import pytest
from ssap_mirror.errors import ServiceError, TransportError
from ssap_mirror.sources.harvest.answers import QueryTooLargeError, error_of


@pytest.mark.parametrize(
    "said",
    [
        "could not connect to server: the database system is starting up",
        "FATAL: sorry, too many clients already",
        "server closed the connection unexpectedly",
        "terminating connection due to administrator command",
        "The service is temporarily unavailable, try again later",
        "deadlock detected",
    ],
)
def test_trouble_of_a_database_may_pass(said: str) -> None:
    assert isinstance(error_of(said), TransportError)


@pytest.mark.parametrize("said", ["Query timed out (took too long).", "canceling statement due to statement timeout"])
def test_a_query_that_took_too_long_is_too_large(said: str) -> None:
    assert isinstance(error_of(said), QueryTooLargeError)


@pytest.mark.parametrize("said", ["Field TIME: not a valid date", "column snr does not exist", ""])
def test_a_refusal_is_one_for_good(said: str) -> None:
    error = error_of(said)
    assert type(error) is ServiceError
    assert (said or "an error without a message") in str(error)


def test_the_message_of_a_document_is_what_counts() -> None:
    document = '<VOTABLE><INFO name="QUERY_STATUS" value="ERROR">too many clients &amp; more</INFO></VOTABLE>'
    assert str(error_of(document)) == "the service answered: too many clients & more"
    assert isinstance(error_of(document), TransportError)
