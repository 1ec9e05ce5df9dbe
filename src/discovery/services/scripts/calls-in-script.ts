import { interpretedFiles } from './interpreters.ts';
import { programsInScript } from './programs-in-script.ts';

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
const path = /(?<![\w./-])[\w./-]*(?:\/[\w.-]+|\.sh\b)/g;
/** The file behind `.`, `source` or a shell. */
const included =
  /(?:^|[\s;&|(])(?:\.|source|(?:[\w/]*\/)?(?:ba|da|z|k|a)?sh)(?:[ \t]+-\w+)*[ \t]+(?:<[ \t]*)?["']?([^\s"';|&<>()]+)/gm;
/** A shell that runs what other commands print: `cat FILE | sh`, `sh <(cat FILE)`, `eval "$(cat FILE)"`. */
const readsOutput =
  /<\(|\beval\b|\|\s*(?:\w[\w/.-]*[ \t]+)*(?:[\w/]*\/)?(?:ba|da|z|k|a)?sh\b|\b(?:ba|da|z|k|a)?sh\s+-\w*c\s+["']?[$`]/;

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

/** The name of a file without the directories that a variable names: `./start.sh` for `$LIB/start.sh`. */
function besideScript(name: string): string {
  const directory = name.slice(0, Math.max(0, name.lastIndexOf('/')));
  const variable = Math.max(directory.lastIndexOf('$'), directory.lastIndexOf('}'));
  return variable < 0 ? name : `.${name.slice(name.indexOf('/', variable))}`;
}

/** A shell, or the `{}` that stands for each file, behind `find -exec`. */
const runsEachFile =
  /\s-(?:exec|ok)(?:dir)?\s+["']?(?:\{\}|[\w/]*\bsh\b|[\w/]*(?:ba|da|z|k|a)sh\b)/;
/** A pattern for the files of a directory, such as `"$DIR"/*.sh`. The `*)` of a `case` is no such pattern. */
const filesOfDirectory = /\/["'}]*[\w.?-]*(?:\*(?!\))|\[)/;

/** Whether a script seems to run all files of a directory. */
export function runsDirectories(code: string): boolean {
  if (/\brun-parts\b/.test(code) || runsEachFile.test(code) || filesOfDirectory.test(code))
    return true;
  return /\bcd[ \t]/.test(code) && /[\s=(]\*(?!\))/.test(code);
}

/** What a script seems to run, as far as can be seen without following it. */
export function callsInScript(code: string): readonly Call[] {
  const calls = new Map<string, Call>();
  const add = (name: string, isByShell: boolean) => {
    if (calls.size < mostCalls) calls.set(isByShell ? `${name}\0` : name, { name, isByShell });
  };
  for (const [, name = ''] of code.matchAll(included)) {
    // The file in `"$LIB/start.sh"` is known, and may stand beside the script.
    add(besideScript(name), true);
  }
  const isRead = readsOutput.test(code);
  for (const [name] of code.matchAll(path)) add(name, isRead);
  for (const name of programsInScript(code)) add(name, false);
  return [...calls.values()];
}
