"""Timings of likewise beside its peers; `./dev bench` runs them."""
