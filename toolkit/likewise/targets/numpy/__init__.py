"""The reference target: NumPy, on every Python, in the browser through Pyodide too."""
