"""Compiled modules beside the peers, in one page of headless Chromium: `./dev bench browser`."""
