"""Operators of `ai.onnx.ml` that share a file."""
