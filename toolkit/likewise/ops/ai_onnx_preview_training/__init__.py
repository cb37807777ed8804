"""The operators of `ai.onnx.preview.training`: optimizer updates and gradients."""
