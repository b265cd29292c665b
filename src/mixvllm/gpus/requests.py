"""What a reader may be asked for beyond the GPUs themselves."""

LINKS = "links"
