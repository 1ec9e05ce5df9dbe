import type { Problem } from '../../problem.ts';
import { list } from '../../systemd/lookup.ts';
import type { UnitEntry } from '../../systemd/unit-file.ts';
import { splitWords } from '../../systemd/words.ts';
import type { Fault } from '../fault.ts';
import { problemOfUnit, type QuadletUnit, sectionOf } from './unit.ts';

/** What a unit hands to podman past the keys that berth reads. */
export interface ArgumentProblems {
  /** Change how, or which, image of the unit is pulled. */
  readonly ofPull: readonly Problem[];
  /** Name another image, or another store. */
  readonly ofUnit: readonly Problem[];
}

const pullFlags: ReadonlySet<string> = new Set([
  '--all-tags',
  '--arch',
  '--authfile',
  '--cert-dir',
  '--creds',
  '--decryption-key',
  '--os',
  '--platform',
  '--policy',
  '--pull',
  '--rootfs',
  '--tls-verify',
  '--variant',
]);

const storeFlags: ReadonlySet<string> = new Set([
  '--connection',
  '--imagestore',
  '--module',
  '--remote',
  '--root',
  '--storage-driver',
  '--storage-opt',
  '--url',
]);

/** Looks through `PodmanArgs=`, `GlobalArgs=` and `Mount=` for what berth does not read yet. */
export function argumentProblems(unit: QuadletUnit): ArgumentProblems {
  const ofPull: Problem[] = [];
  const ofUnit: Problem[] = [];
  const section = sectionOf[unit.type];
  let atStart = true;
  for (const entry of list(unit.entries, section, 'PodmanArgs')) {
    const words = wordsOf(entry);
    for (const [i, word] of words.entries()) {
      const flag = flagOf(word);
      if (pullFlags.has(flag)) ofPull.push(problemOfUnit(unit, entry, notRead(`${flag} in it`)));
      else if (flag === '--infra-image' || isImageMount(word, words[i + 1])) {
        ofUnit.push(problemOfUnit(unit, entry, notRead('an image of its own in it')));
      }
    }
    // podman takes the first word that belongs to no option for the image.
    const bare = words.includes('--') || (atStart && words[0]?.startsWith('-') === false);
    if (bare) ofPull.push(problemOfUnit(unit, entry, notRead('a word that is no option')));
    if (words.length > 0) atStart = false;
  }
  for (const entry of list(unit.entries, section, 'GlobalArgs')) {
    const flag = wordsOf(entry)
      .map(flagOf)
      .find((word) => storeFlags.has(word));
    if (flag !== undefined) {
      ofUnit.push(problemOfUnit(unit, entry, notRead(`${flag}, so maybe another store,`)));
    }
  }
  for (const entry of unit.type === 'container' ? list(unit.entries, section, 'Mount') : []) {
    if (wordsOf(entry).some(isImageMountValue)) {
      ofUnit.push(problemOfUnit(unit, entry, notRead('an image or artifact as a mount')));
    }
  }
  return { ofPull, ofUnit };
}

function wordsOf(entry: UnitEntry): readonly string[] {
  return splitWords(entry.value, { escapes: true, relaxed: true }) ?? [];
}

function flagOf(word: string): string {
  const equals = word.indexOf('=');
  return word.startsWith('--') && equals > 0 ? word.slice(0, equals) : word;
}

function isImageMount(word: string, next: string | undefined): boolean {
  if (word === '--mount') return next !== undefined && isImageMountValue(next);
  return word.startsWith('--mount=') && isImageMountValue(word.slice('--mount='.length));
}

/** `type=image,source=…`: one line of CSV, of which only the quotes matter here. */
function isImageMountValue(value: string): boolean {
  return value
    .replaceAll('"', '')
    .split(',')
    .some((token) => token === 'type=image' || token === 'type=artifact');
}

function notRead(found: string): Fault {
  return {
    code: 'not-read-yet',
    message: `expected arguments without images or pull options, found ${found}, which berth does not read yet`,
    hint: "say it with the unit's own keys, or in a .image unit, where there is one",
  };
}
