"""Options that say how patiently a server is asked: each changes its one field, within its bounds."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click
import pytest
from click.testing import CliRunner
from ssap_mirror.sources.source import RequestPolicy
from ssap_query.cli import group
from ssap_query.cli.limits import limits, policy_of

OPTIONS = {
    "--connections": ("requests_at_a_time", "1", 1),
    "--pause": ("pause_s", "2.5", 2.5),
    "--attempts": ("attempts", "7", 7),
    "--longest-connect": ("connect_timeout_s", "3", 3.0),
    "--longest-silence": ("read_timeout_s", "0.5", 0.5),
    "--longest-answer": ("longest_answer_s", "60", 60.0),
    "--slowest-rate": ("slowest_rate_bytes_s", "0", 0.0),
    "--longest-pause": ("longest_retry_after_s", "1", 1.0),
    "--longest-outage": ("longest_outage_s", "10", 10.0),
    "--most-cones": ("most_cones", "100", 100),
    "--longest-job": ("longest_job_s", "30", 30.0),
}


def policy(*arguments: str, base: RequestPolicy | None = None) -> tuple[RequestPolicy | None, str]:
    """What the options come to, or what is said of them."""
    found: list[RequestPolicy] = []

    @click.command()
    @limits
    def ask(**given: Any) -> None:
        found.append(policy_of(given, base))

    result = CliRunner().invoke(ask, list(arguments))
    assert (result.exit_code == 0) is bool(found), result.output
    return (found[0] if found else None), result.output


def test_without_options_it_is_the_policy_itself() -> None:
    assert policy()[0] == RequestPolicy()
    mine = RequestPolicy(slice_rows=10, attempts=9)
    assert policy(base=mine)[0] == mine


@pytest.mark.parametrize("option", OPTIONS)
def test_each_changes_its_field_and_no_other(option: str) -> None:
    field, text, value = OPTIONS[option]
    found, _ = policy(option, text)
    assert found is not None
    changed = {name for name, new in asdict(found).items() if new != asdict(RequestPolicy())[name]}
    assert changed == {field}
    assert getattr(found, field) == value


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("text", ["-1", "many", ""])
def test_what_cannot_be_is_refused_by_name(option: str, text: str) -> None:
    found, said = policy(option, text)
    assert found is None
    assert option in said


def test_sync_has_all_of_them_and_tells_what_holds_without() -> None:
    told = " ".join(CliRunner().invoke(group, ["sync", "--help"]).output.split())
    for option, (field, _, _) in OPTIONS.items():
        assert option in told
        assert f"(default: {getattr(RequestPolicy(), field):g})" in told
