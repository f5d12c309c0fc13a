"""Signature schemes as data, the catalogue of providers, handshakes and diagnosis."""
