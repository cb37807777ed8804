"""The operators of `ai.onnx.ml`: classical models and their pre- and postprocessing."""
