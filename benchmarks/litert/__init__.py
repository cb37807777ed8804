"""TFLite files of likewise beside those of onnx2tf, on one interpreter."""
