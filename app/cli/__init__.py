"""The command line: one module a verb, on the same host as the window."""
