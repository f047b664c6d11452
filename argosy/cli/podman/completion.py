"""`completion bash|zsh|fish`: the script that makes a shell complete our command lines."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output

_BASH = r"""# Completion of PROGRAM for bash.  Source this file, or put it into /etc/bash_completion.d.
_FUNCTION_complete() {
    local words cword cur line directive=0
    if declare -F _get_comp_words_by_ref >/dev/null; then
        _get_comp_words_by_ref -n =: words cword cur
    else
        words=("${COMP_WORDS[@]}") cword=$COMP_CWORD cur=${COMP_WORDS[COMP_CWORD]}
    fi
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
            :*) directive=${line#:} ;;
            *) COMPREPLY+=("$line") ;;
        esac
    done < <("${words[0]}" __completeNoDesc "${words[@]:1:cword}" 2>/dev/null)
    if [ "$directive" = 4 ]; then
        compopt +o default 2>/dev/null
    fi
    if declare -F __ltrim_colon_completions >/dev/null; then
        __ltrim_colon_completions "$cur"
    fi
}
complete -o default -F _FUNCTION_complete PROGRAM
"""

_ZSH = r"""#compdef PROGRAM
# Completion of PROGRAM for zsh.  Put this file, as _PROGRAM, into a directory of $fpath.
_FUNCTION_complete() {
    local line directive=0
    local -a found
    while IFS= read -r line; do
        case $line in
            :*) directive=${line#:} ;;
            *$'\t'*) found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
            *) found+=("${line//:/\\:}") ;;
        esac
    done < <(${words[1]} __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
    (( $#found )) && _describe PROGRAM found
    [[ $directive = 4 ]] || _files
}
compdef _FUNCTION_complete PROGRAM
"""

_FISH = r"""# Completion of PROGRAM for fish.  Put this file, as PROGRAM.fish, into ~/.config/fish/completions.
function __FUNCTION_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l found ($words[1] __complete $words[2..-1] 2>/dev/null)
    for line in $found
        string match -q ':*' -- $line; or echo $line
    end
    if test "$found[-1]" != ':4'
        __fish_complete_path (commandline -ct)
    end
end
complete -c PROGRAM -f -a '(__FUNCTION_complete)'
"""

_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


class CompletionOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    file: str | None
    no_desc: bool


def run(options: CompletionOptions, _opener: Opener, out: Output) -> int:
    """Write the script to standard output, or to a file."""
    shell = options.operands[0]
    if shell not in _SCRIPTS:
        raise ArgosyError(f"no completion for {shell}", hint=f"There is one for {', '.join(_SCRIPTS)}.")
    script = _SCRIPTS[shell].replace("PROGRAM", out.program).replace("FUNCTION", out.program)
    if options.no_desc:
        script = script.replace("__complete ", "__completeNoDesc ")
    if options.file is None:
        out.write(script)
        return 0
    from argosy.linux import files

    files.write_named(options.file, script.encode())
    return 0


COMMAND = Command(
    path="completion",
    summary="Generate the completion script for a shell",
    description="Writes the script that makes bash, zsh or fish complete commands, flags, containers and images.",
    usage="{bash|zsh|fish}",
    options=CompletionOptions,
    run=run,
    min_operands=1,
    max_operands=1,
    flags=(
        Flag("file", short="f", kind="string", help="Write the script to this file instead of standard output"),
        Flag("no-desc", help="Leave descriptions out of what the shell shows"),
    ),
    examples=("argosy completion bash > /etc/bash_completion.d/argosy", "argosy completion fish --no-desc"),
)
