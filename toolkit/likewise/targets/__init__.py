"""Where a graph can run: each target turns it into an artefact or a runner."""
