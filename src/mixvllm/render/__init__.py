"""Data in, Rich renderable out; no console, no I/O."""
