/** The shells that berth has a completion for. */
export const shells = ['bash', 'zsh', 'fish'] as const;

export type Shell = (typeof shells)[number];

/**
 * What each shell reads to complete command lines of berth. All three ask `berth complete`: its first line says which
 * paths fit, the others are `VALUE<TAB>DESCRIPTION`.
 */
export const scripts: Readonly<Record<Shell, string>> = {
  bash: String.raw`# Completion of berth for bash, from: berth completion bash

_berth() {
  local line word value path prefix rest=$COMP_LINE i
  local -a words lines
  # bash divides at : and = too, berth only at blanks: what no blank divides is one word.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=${'$'}{COMP_WORDS[i]}
    if [[ $i -gt 0 && $rest != [[:blank:]]* ]]; then
      words[${'$'}{#words[@]}-1]+=$word
    else
      words+=("$word")
    fi
    rest=${'$'}{rest#"${'$'}{rest%%[![:blank:]]*}"}
    rest=${'$'}{rest#"$word"}
  done
  word=${'$'}{words[${'$'}{#words[@]}-1]}
  # bash replaces only what follows the last : or =.
  prefix=${'$'}{COMP_WORDS[COMP_CWORD]}
  prefix=${'$'}{prefix##*[:=]}
  prefix=${'$'}{word%"$prefix"}
  mapfile -t lines < <(command berth complete -- "${'$'}{words[@]:1}" 2>/dev/null)
  COMPREPLY=()
  for line in "${'$'}{lines[@]:1}"; do
    # bash puts a value on the command line as it is, and a unit's name may have \x2d or $(…) in it.
    printf -v value %q "${'$'}{line%%$'\t'*}"
    [[ $value != "$word"* ]] || COMPREPLY+=("${'$'}{value#"$prefix"}")
  done
  case ${'$'}{lines[0]} in
    files) set -- -f ;;
    directories) set -- -d ;;
    *) return ;;
  esac
  path=$word
  [[ $path != --*=* ]] || path=${'$'}{path#*=}
  compopt -o filenames 2>/dev/null
  while IFS= read -r value; do
    COMPREPLY+=("${'$'}{value#"${'$'}{prefix#--*=}"}")
  done < <(compgen "$1" -- "$path")
}

complete -F _berth berth
`,
  zsh: String.raw`#compdef berth
# Completion of berth for zsh, from: berth completion zsh

_berth() {
  local -a lines values
  local line value
  lines=("${'$'}{(@f)$(command berth complete -- "${'$'}{(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  for line in "${'$'}{(@)lines[2,-1]}"; do
    value=${'$'}{${'$'}{line%%$'\t'*}//\\/\\\\}
    values+=("${'$'}{value//:/\\:}:${'$'}{line#*$'\t'}")
  done
  (( ! $#values )) || _describe berth values
  case $lines[1] in
    (files) compset -P '--*='; _files ;;
    (directories) compset -P '--*='; _files -/ ;;
  esac
}

if [[ $funcstack[1] == _berth ]]; then
  _berth "$@"
else
  compdef _berth berth
fi
`,
  fish: String.raw`# Completion of berth for fish, from: berth completion fish

function __berth_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l lines (command berth complete -- $words[2..] "$current" 2>/dev/null)
    printf '%s\n' $lines[2..]
    set -l flag (string match -r -- '^--[^=]+=' "$current")
    set -l path (string replace -r -- '^--[^=]+=' '' "$current")
    switch "$lines[1]"
        case files
            printf '%s\n' "$flag"(__fish_complete_path "$path")
        case directories
            printf '%s\n' "$flag"(__fish_complete_directories "$path" '')
    end
end

complete -c berth -f -a '(__berth_complete)'
`,
};
