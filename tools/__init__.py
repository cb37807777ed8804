"""Programs for working on the repository; nothing here is installed with the package."""
