"""The operators of `com.microsoft` that exporters emit most; onnxruntime is their reference."""
