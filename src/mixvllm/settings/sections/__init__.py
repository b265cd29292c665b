"""The sections of the settings: every default, every range and every meaning."""
