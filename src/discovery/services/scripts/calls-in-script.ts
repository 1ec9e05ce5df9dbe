import { interpretedFiles } from './interpreters.ts';

/** A file or program that a script seems to run. */
export interface Call {
  readonly name: string;
  /** Whether a shell reads the file, so that no `#!` is needed. */
  readonly isByShell: boolean;
}

/** A script with more calls is not looked at completely. */
const mostCalls = 256;

/** A script that changes to more directories is not looked at completely. */
const mostDirectories = 8;

/** Whatever looks like the path of a file or like the name of a script, in quotes or behind a variable. */
const path = /[\w./-]*(?:\/[\w.-]+|\.sh\b)/g;
/** The file behind `.`, `source` or a shell. */
const included =
  /(?:^|[\s;&|(])(?:\.|source|(?:[\w/]*\/)?(?:ba|da|z|k|a)?sh)(?:[ \t]+-\w+)*[ \t]+(?:<[ \t]*)?["']?([^\s"';|&<>()]+)/gm;
/** A shell that runs what other commands print: `cat FILE | sh`, `sh <(cat FILE)`, `eval "$(cat FILE)"`. */
const readsOutput =
  /<\(|\beval\b|\|\s*(?:\w[\w/.-]*[ \t]+)*(?:[\w/]*\/)?(?:ba|da|z|k|a)?sh\b|\b(?:ba|da|z|k|a)?sh\s+-\w*c\s+["']?[$`]/;
/** The first word of a command. */
const program =
  /(?:^|[;&|(!`{]|\b(?:then|do|else|if|while|until|exec|command))[ \t]*(?:\w+=\S*[ \t]+)*([A-Za-z][\w.-]*)/gm;

/** The directories to which a script changes, as far as they are written out. */
export function directoriesInScript(code: string): readonly string[] {
  const found = [...code.matchAll(/\bcd[ \t]+["']?(\/[\w./-]*)/g)].slice(0, mostDirectories);
  return found.map(([, directory = '/']) => directory);
}

/** The files that programs such as make seem to read in a script. */
export function interpretedInScript(code: string): readonly string[] {
  const calls = [...code.matchAll(/\b(g?make|just)\b([^\n;&|]*)/g)].slice(0, mostDirectories);
  return calls.flatMap(([, name = '', args = '']) => {
    const words = args.split(/\s+/, mostCalls).map((word) => word.replace(/^["']|["']$/g, ''));
    return interpretedFiles(name, words);
  });
}

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
  const isRead = readsOutput.test(code);
  for (const [name] of code.matchAll(path)) add(name, isRead);
  for (const [, name = ''] of code.matchAll(program)) add(name, false);
  return [...calls.values()];
}
