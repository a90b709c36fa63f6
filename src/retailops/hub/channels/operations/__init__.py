"""One verb a file: what can be done to channels, and what their answers change."""
