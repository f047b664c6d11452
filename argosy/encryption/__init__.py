"""Encryption of layers: JWE for their keys, the format of ocicrypt for their bytes."""
