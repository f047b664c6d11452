"""Bake files: what is to be built, in HCL or JSON, as docker buildx bake reads them.

expressions   the nodes of expressions, and where they stand
scanner       places, blanks, words and strings of HCL
hcl           text to blocks and attributes; a strict reader of what bake files use of HCL
jsonfiles     the same of JSON, whose strings are templates
evaluate      what an expression comes to
functions     those that expressions may call
definition    variables, groups and targets of all files, merged
targets       what is to be built: inheritance, matrices, groups and --set carried out
"""
