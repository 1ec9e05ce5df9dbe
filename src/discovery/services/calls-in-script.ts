/** A file or program that a script seems to run. */
export interface Call {
  readonly name: string;
  /** Whether a shell reads the file, so that no `#!` is needed. */
  readonly isByShell: boolean;
}

/** A script with more calls is not looked at completely. */
const mostCalls = 256;

/** Whatever looks like the path of a file or like the name of a script, in quotes or behind a variable. */
const path = /[\w./-]*(?:\/[\w.-]+|\.sh\b)/g;
/** The file behind `.`, `source` or a shell. */
const included =
  /(?:^|[\s;&|(])(?:\.|source|(?:[\w/]*\/)?(?:ba|da|z|k|a)?sh)(?:[ \t]+-\w+)*[ \t]+(?:<[ \t]*)?["']?([^\s"';|&<>()]+)/gm;
/** The first word of a command. */
const program =
  /(?:^|[;&|(!`{]|\b(?:then|do|else|if|while|until|exec|command))[ \t]*([A-Za-z][\w.-]*)/gm;

/** What a script seems to run, as far as can be seen without following it. */
export function callsInScript(code: string): readonly Call[] {
  const calls = new Map<string, Call>();
  const add = (name: string, isByShell: boolean) => {
    if (calls.size < mostCalls) calls.set(isByShell ? `${name}\0` : name, { name, isByShell });
  };
  for (const [, name = ''] of code.matchAll(included)) {
    // The file in `"$LIB/start.sh"` is known, and may stand beside the script.
    add(name.replace(/^.*[$}][^/]*\//, './'), true);
  }
  for (const [name] of code.matchAll(path)) add(name, false);
  for (const [, name = ''] of code.matchAll(program)) add(name, false);
  return [...calls.values()];
}
