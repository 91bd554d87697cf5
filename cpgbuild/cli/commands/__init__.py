"""The commands: each parses its options, asks `api`, and shows the answer."""
