"""The command `services`: what is known by name."""

from __future__ import annotations

import click

__all__ = ["services"]


@click.command()
def services() -> None:
    """List the services that are known by name."""
    from ssap_mirror.pipeline.known_services import services as known

    for service in known():
        click.echo(f"{service.name:14} {service.kind:5} {service.url}  {service.title}")
