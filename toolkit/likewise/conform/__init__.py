"""Holding targets against each other: inputs to draw, results to compare."""
