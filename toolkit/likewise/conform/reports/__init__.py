"""A report as JSON, as a page, and as JUnit's XML."""
