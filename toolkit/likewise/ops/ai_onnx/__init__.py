"""The operators of the default domain, `ai.onnx`."""
