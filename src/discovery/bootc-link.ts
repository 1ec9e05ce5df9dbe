import { posix } from 'node:path';
import { displayPath } from '../common/path-bytes.ts';
import { scalar } from '../systemd/lookup.ts';
import { parseQuadletUnit, type UnitEntry } from '../systemd/unit-file.ts';
import type { Fault } from './problem.ts';

/**
 * The image that bootc reads from a file linked in its `bound-images.d`, or why it refuses the
 * file.
 */
export type BootcImage =
  | { readonly ok: true; readonly entry: UnitEntry; readonly kind: 'container' | 'image' }
  | { readonly ok: false; readonly line?: number; readonly fault: Fault };

/**
 * Reads a linked file as bootc does: `Image=` of `[Image]` or `[Container]`, in the file alone
 * without its drop-ins, with `%%` for a percent sign and no other specifier, and no `AuthFile=` in
 * a `.image` file. A file that bootc refuses makes every `bootc upgrade` into the root fail.
 *
 * Source: bootc 1.16, crates/lib/src/boundimage.rs, `parse_spec_value` and `query_bound_images`.
 */
export function readAsBootc(path: string, text: string): BootcImage {
  const kind = posix.extname(path) === '.image' ? 'image' : 'container';
  if (kind !== posix.extname(path).slice(1)) {
    return refused(
      undefined,
      `expected a link to a .image or .container file, found one to ${displayPath(path)}`,
      'link it from /usr/lib/berth/bound.d instead, which takes any kind of unit',
    );
  }
  const section = kind === 'image' ? 'Image' : 'Container';
  const parsed = parseQuadletUnit(text, path, (group) => group === section);
  if (!parsed.ok) {
    return refused(
      parsed.line,
      `expected a unit file, found ${parsed.message}`,
      'correct the line',
    );
  }
  const auth = scalar(parsed.entries, section, 'AuthFile');
  if (kind === 'image' && auth !== undefined) {
    const hint = 'remove AuthFile=; bootc pulls with its own /etc/ostree/auth.json';
    return refused(auth.line, 'expected no AuthFile=, found one', hint);
  }
  const entry = scalar(parsed.entries, section, 'Image');
  if (entry === undefined || entry.value === '') {
    return refused(
      undefined,
      `expected Image= in [${section}], found none`,
      'name the image there',
    );
  }
  if (/%(?!%)/.test(entry.value.replaceAll('%%', ''))) {
    const hint = 'write the value out; bootc expands no specifier';
    return refused(entry.line, `expected an image without specifiers, found ${entry.value}`, hint);
  }
  return { ok: true, kind, entry: { ...entry, value: entry.value.replaceAll('%%', '%') } };
}

function refused(line: number | undefined, message: string, hint: string): BootcImage {
  const fault: Fault = {
    code: 'bootc-refuses',
    message: `${message}; bootc refuses to upgrade`,
    hint,
  };
  return { ok: false, ...(line === undefined ? {} : { line }), fault };
}
