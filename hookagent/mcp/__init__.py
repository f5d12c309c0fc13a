"""The Model Context Protocol: what a coding agent may see and do here, over stdin and stdout.

`desk` answers, `tools` declares, `server` speaks the protocol (the only module that imports the
SDK), `channel` pushes events, `setup` writes clients' configuration.
"""
