"""likewise in Pyodide: what a page waits for, and what it costs to run a module from Python."""
