"""One ONNX model that answers in Python, in the browser and on the edge: likewise."""
