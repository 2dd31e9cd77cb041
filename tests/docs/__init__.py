"""The papers say what the code does: every setting, command, error, event and route, and every line to be copied."""
