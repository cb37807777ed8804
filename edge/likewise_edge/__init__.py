"""The agent that owns a device's models: installs, proves, serves and replaces them."""
