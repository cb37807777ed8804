"""Hot kernels: parametrised builders named in XNNPACK's manner."""
