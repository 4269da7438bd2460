"""What makes the project a release: its artefacts, what is said of them, and the environments it has to work in."""
