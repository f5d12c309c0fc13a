"""What a provider sent while nobody listened: found in its own log, fetched or sent again.

`base` says what a log is, one module each reads a provider's, `missing` compares it with the store,
`door` gives what was fetched to the front door.
"""
