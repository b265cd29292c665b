"""The command line: the only package that touches the terminal."""
