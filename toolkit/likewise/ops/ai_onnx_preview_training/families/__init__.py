"""Operators of `ai.onnx.preview.training` that share a file."""
