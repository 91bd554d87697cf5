"""What a project is in other tools' forms."""
