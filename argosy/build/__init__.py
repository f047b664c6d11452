"""Builds: a Dockerfile becomes a syntax tree, the tree a plan, the plan an image.

dockerfile/   the language: text to frozen values with positions; no files, no processes
"""
