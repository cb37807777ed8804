"""Operators of `com.microsoft` that share a file."""
