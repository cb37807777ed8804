"""The official ONNX cases through other engines: `./dev bench conformance --help`."""
