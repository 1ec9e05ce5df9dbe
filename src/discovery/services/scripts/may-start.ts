import { posix } from 'node:path';
import { onceFor } from '../../../common/once-for.ts';
import { trimmedEnd } from '../../../common/text/trimmed-end.ts';
import { mentionsPrograms, startsUnknown } from '../mentions.ts';
import { shells } from '../shell-command.ts';
import { wrappers } from '../wrappers.ts';
import { calledScripts } from './called-scripts.ts';
import { interpretedFiles, isInterpreter } from './interpreters.ts';
import type { Script } from './read-script.ts';
import type { Scripts, Whence } from './scripts.ts';

/** The most words of a command line that are looked at. */
const mostWords = 64;
/** The most scripts that one script calls, directly or not. A script with more counts as starting containers. */
const mostReached = 500;
/** systemd's own programs, which most services of an OS start: they are no scripts and run none. */
const ofSystemd =
  /^(?:(?:\/usr)?\/lib\/systemd\/)?(?:systemctl|systemd-(?!run|nspawn|cat|inhibit)[a-z-]+)$/;

/** What is known of the scripts of a root. */
interface Known {
  /** Whether a script, or one that it calls, seems to start containers. */
  readonly starts: Map<Script, boolean>;
  readonly looks: Map<Script, Look>;
}

/** What the text of one script shows. */
interface Look {
  readonly starts: boolean;
  readonly called: readonly Script[];
}

const knownOf = onceFor<Scripts, Known>(() => ({ starts: new Map(), looks: new Map() }));

/**
 * Whether a command line calls a script that seems to start containers, or calls one that does. It is a quick check:
 * most services have nothing to do with containers.
 *
 * @param whence its working directory may hold specifiers.
 */
export function mayStart(commandLine: string, whence: () => Whence, scripts: Scripts): boolean {
  const written = commandLine.replace(/^[-@:+!|]+/, '');
  const words = written
    .split(/\s+/, mostWords)
    .map((word) => trimmedEnd(word.replace(/^[-@:+!|"']+/, ''), `"';`));
  const [first = ''] = words;
  if (ofSystemd.test(first)) return false;
  const program = posix.basename(first);
  // The other words are arguments, unless the program runs what they name.
  const isByShell = shells.has(program);
  const reader = isByShell ? 'shell' : isInterpreter(program) ? 'interpreter' : undefined;
  const runsOthers = reader !== undefined || Object.hasOwn(wrappers, program);
  const listed = interpretedFiles(program, written.split(/\s+/, mostWords).slice(1));
  const paths = runsOthers ? [...words, ...listed] : words.slice(0, 1);
  const looksInside = isByShell || program === 'run-parts';
  if (looksInside && anyStarts(calledScripts(written, whence(), scripts), scripts)) return true;
  // The shell itself is no script.
  return paths.slice(reader === undefined ? 0 : 1).some((word) => {
    const { directory, searchPath } = whence();
    const at =
      reader !== undefined && !word.startsWith('/') ? posix.resolve('/', directory, word) : word;
    if (/%[^%]/.test(at)) return true;
    const script = scripts.find(at, { directory: '/', searchPath }, reader);
    return script !== undefined && seemsToStart(script, scripts);
  });
}

function seemsToStart(script: Script, scripts: Scripts): boolean {
  const { starts } = knownOf(scripts);
  const known = starts.get(script) ?? anyStarts([script], scripts);
  starts.set(script, known);
  return known;
}

/** Whether one of some scripts, or one that they call, seems to start containers. */
function anyStarts(some: readonly Script[], scripts: Scripts): boolean {
  const reached = new Set(some);
  for (const script of reached) {
    if (scripts.files.isSpent || reached.size > mostReached) return true;
    const { starts, called } = lookAt(script, scripts);
    if (starts) return true;
    for (const one of called) reached.add(one);
  }
  return false;
}

function lookAt(script: Script, scripts: Scripts): Look {
  const { looks } = knownOf(scripts);
  const known = looks.get(script);
  if (known !== undefined) return known;
  const lines = script.text.split('\n').filter((line) => !/^\s*#/.test(line));
  const code = lines.join('\n').replaceAll('\\\n', ' ');
  const starts = mentionsPrograms(code) || startsUnknown(code);
  const whence = { directory: posix.dirname(script.path) };
  const look = { starts, called: starts ? [] : calledScripts(code, whence, scripts) };
  looks.set(script, look);
  return look;
}
