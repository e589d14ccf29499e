"""Ways out of the server, each a `Sender`."""
