import { withoutConcealed } from './concealed.ts';
import { displayPath } from './path-bytes.ts';

/**
 * Text as people are shown it, whoever wrote it: on the command line, in a root, a registry or an
 * engine. The result can't steer a terminal, start a new line, or quote a text that not everybody may
 * read.
 */
export function shown(text: string): string {
  return displayPath(withoutConcealed(text));
}
