"""The Dockerfile language, as BuildKit's frontend 1.x reads it.

    lexer         bytes -> statements: directives, comments, continuations, heredocs
    words         how the text of a statement falls into words, flags and JSON arrays
    expand        $variables, quotes and escapes
    instructions  the syntax tree: one frozen value for each instruction
    parser        statements -> stages of instructions
    mounts        `RUN --mount`
    scopes        which variables an instruction sees: ARG, ENV, platform and predefined arguments
    ignore        .dockerignore
    check         what `--check` complains about

Nothing here reads a file or knows of images: text in, values and errors out.
"""
