"""Signatures of images: their formats, who made them, and whether a policy accepts them.  No registry is asked here."""
