"""The command line."""

import click


@click.group()
def main() -> None:
    """Mirror a spectra service and query it offline."""
