"""Pure: an image's configuration, the user's options and the host's facts become an OCI runtime specification.

Nothing here reads a file, asks the kernel or runs a program; `SpecRequest` carries all that was read beforehand.
"""
