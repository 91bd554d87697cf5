"""What turns a project into other tools' forms; this package re-exports nothing."""
