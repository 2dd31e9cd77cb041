"""The examples, run as their readers run them: in processes of their own, against the real server."""
