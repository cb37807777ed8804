"""A page of text read with PP-OCRv4, in likewise and in onnxruntime."""
