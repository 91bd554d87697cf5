"""make for data views."""
