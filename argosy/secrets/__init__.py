"""Secret data, and how it reaches a container without becoming part of an image or of a container's record."""
