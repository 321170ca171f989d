/**
 * The stubs that a shell sources. Each asks `mqctl complete` with the words as they were typed and reads lines of
 * `value<TAB>description`: nothing is evaluated, so a channel's name cannot run anything.
 */
export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

const stubs: Readonly<Record<Shell, string>> = {
  bash: `_mqctl() {
  local IFS=$'\\n' line value
  COMPREPLY=()
  while IFS= read -r line; do
    value=\${line%%$'\\t'*}
    COMPREPLY+=("$(printf '%q' "$value")")
  done < <(mqctl complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o nosort -F _mqctl mqctl 2>/dev/null || complete -F _mqctl mqctl
`,
  zsh: `#compdef mqctl
_mqctl() {
  local line value
  local -a values texts
  while IFS= read -r line; do
    value=\${line%%$'\\t'*}
    values+=("$value")
    if [[ $line == *$'\\t'?* ]]; then texts+=("$value -- \${line#*$'\\t'}"); else texts+=("$value"); fi
  done < <(mqctl complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( \${#values} )) && compadd -l -d texts -a values
}
if [[ $funcstack[1] == _mqctl ]]; then _mqctl "$@"; else compdef _mqctl mqctl; fi
`,
  fish: `function __mqctl_complete
  set -l words (commandline -opc)
  set -e words[1]
  mqctl complete -- $words (commandline -ct) 2>/dev/null
end
complete -c mqctl -f -a '(__mqctl_complete)'
`,
};

/** The text to be sourced, and how, as a comment in it. */
export function completionStub(shell: Shell): string {
  const install = {
    bash: '# mqctl completion bash > ~/.local/share/bash-completion/completions/mqctl',
    zsh: '# mqctl completion zsh > "${fpath[1]}/_mqctl"',
    fish: '# mqctl completion fish > ~/.config/fish/completions/mqctl.fish',
  }[shell];
  const stub = stubs[shell];
  // "#compdef" has to be the first line.
  return shell === 'zsh' ? stub.replace('\n', `\n${install}\n`) : `${install}\n${stub}`;
}
