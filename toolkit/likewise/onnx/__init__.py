"""ONNX files: the only code that knows protobuf, and how tensors and folders of weights look."""
