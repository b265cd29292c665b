"""What the commands do, as functions: they print nothing and return what the commands draw.

Only `load_settings` asks the environment and looks for files; the others take what they are given.
"""
