"""Operators of `ai.onnx` that differ by one expression and share a file."""
