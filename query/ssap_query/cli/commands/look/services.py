"""The command `services`: what is known by name."""

from __future__ import annotations

from pathlib import Path

import click

from ssap_query.cli.choice import home

__all__ = ["services"]


@click.command()
@home
@click.option("--json", "as_json", is_flag=True, help="As JSON, with all that is known of each.")
def services(home: Path | None, as_json: bool) -> None:  # noqa: FBT001
    """List the services that are known by name: those of services.toml, then those that are built in."""
    import json

    from ssap_mirror.pipeline.known_services import services as known

    found = known(home)
    if as_json:
        entries = [{"name": one.name, "kind": one.kind, "file": one.said_in or None, **one.to_entry()} for one in found]
        click.echo(json.dumps(entries, indent=1))
        return
    for service in found:
        mark = f" ({service.said_in})" if service.said_in else " (untried)" if service.untried else ""
        click.echo(f"{service.name:16} {service.kind:5} {service.title or service.name}{mark}")
        click.echo(f"{'':22} {service.address.to_entry()['url']}")
