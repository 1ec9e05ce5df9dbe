import * as v from 'valibot';
import { checkBy } from '../../common/check-by.ts';
import { byDigest } from '../../image/name.ts';
import type { PinRequest } from '../pin.ts';
import { Digest, PinnedNames, PinnedRecordText, PlatformText, RootId } from '../pinned-schema.ts';

/** A pin as berth's drop-in keeps it. */
export interface KeptPin extends PinRequest {
  readonly root: string;
}

/** The beginning of a comment that holds a pin. */
const MARK = '# berth-pin: ';

const HEAD = `# Made by berth, and written anew when its pins change, or those of others: edit other files.
# These images are pinned for OS trees on this host. The list also has the entries of the other
# files in this directory and of crio.conf, because a later list takes the place of an earlier one.
`;

/**
 * The text of berth's drop-in for crio.conf.d: the pins in comments, for berth alone, and the list that CRI-O
 * reads.
 *
 * @param others the entries of the other files.
 */
export function dropInOf(pins: readonly KeptPin[], others: readonly string[]): string {
  const comments = pins.map((pin) => `${MARK}${escaped(JSON.stringify(written(pin)))}\n`);
  const entries = [...new Set([...others, ...pins.flatMap(entriesOf)])];
  const list = entries.map((entry) => `  ${escaped(JSON.stringify(entry))},\n`);
  return `${HEAD}${comments.join('')}[crio.image]\npinned_images = [\n${list.join('')}]\n`;
}

/**
 * The pins in the text of a drop-in. A damaged comment counts as no pin, so that the lost pin is made again.
 */
export function pinsIn(text: string): readonly KeptPin[] {
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith(MARK)) return [];
    const result = checkBy(KeptPinText, parsed(line.slice(MARK.length)));
    return result.success ? [result.output] : [];
  });
}

/**
 * The entries that pin an image, whatever names it has: CRI-O compares each with every name of an image, and
 * keeps the image if one is equal.
 */
function entriesOf({ names }: KeptPin): readonly string[] {
  return names
    .filter(({ name }) => name.includes('/'))
    .flatMap(({ name, digest, manifest }) => [
      name,
      byDigest(name, digest),
      byDigest(name, manifest),
    ]);
}

const KeptPinText = v.strictObject({
  root: RootId,
  id: Digest,
  platform: PlatformText,
  names: PinnedNames,
  fetched: v.boolean(),
  record: PinnedRecordText,
});

/** The fields to write. A `Pin`, which may be passed too, has more. */
function written({ root, id, platform, names, fetched, record }: KeptPin) {
  const { location, images, problems, staged, deployment } = record;
  return {
    root,
    id,
    platform,
    names: names.map(({ name, digest, manifest }) => ({ name, digest, manifest })),
    fetched,
    record: {
      location,
      images,
      problems,
      staged,
      ...(deployment === undefined ? {} : { deployment }),
    },
  };
}

/** TOML permits no DEL, which JSON does not escape. */
function escaped(json: string): string {
  return json.replaceAll('\u007f', '\\u007f');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
