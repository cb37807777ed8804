"""What the page in `web-demo/` needs of Python: its models, its site and a server."""
