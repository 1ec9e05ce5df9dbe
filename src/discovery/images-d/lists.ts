import type { EngineId } from '../../common/engine-id.ts';
import { listEngine } from '../engines/list-engine.ts';
import { placed } from '../engines/placement.ts';
import { fileReference } from '../file-reference.ts';
import { archiveOf, imageOf } from '../image-value.ts';
import type { Problem } from '../problem.ts';
import type { Reference } from '../reference.ts';
import type { Found, SourceContext } from '../source.ts';
import { type ImageFile, imageFiles, subjectOf } from './image-files.ts';

/**
 * Reads the image names in `images.d/*.list`, one a line. `#` begins a comment at the start of a
 * line or after a blank. Only berth reads these lists, so all names in them are bound.
 *
 * @param engine the engine of lists that do not name one themselves.
 */
export function lists(context: SourceContext, engine: EngineId = 'podman'): Promise<Found> {
  const { files, problems: unread } = imageFiles(context, /\.list$/);
  const references: Reference[] = [];
  const problems: Problem[] = [...unread];
  for (const file of files) {
    const placement = listEngine(file.text, context.accounts) ?? { engine };
    for (const { raw, line } of namesIn(file)) {
      if (references.length >= maxNames) {
        problems.push(tooMany(file, line));
        break;
      }
      references.push(placed(reference(file, raw, line, context), placement));
    }
  }
  return Promise.resolve({ references: context.allowance.admit(references), problems });
}

/** The most names in all lists of a root: each costs a kilobyte of memory. */
const maxNames = 100_000;

/** The names in a list, with their lines. */
function* namesIn({ text }: ImageFile): Iterable<{ readonly raw: string; readonly line: number }> {
  for (const [index, line] of text.split('\n').entries()) {
    const comment = line.search(/(?:^|[ \t])#/);
    const raw = (comment < 0 ? line : line.slice(0, comment)).trim();
    if (raw !== '') yield { raw, line: index + 1 };
  }
}

function tooMany({ path }: ImageFile, line: number): Problem {
  return {
    code: 'too-large',
    path,
    line,
    message: `expected at most ${maxNames} names in all lists together, found more`,
    hint: 'name fewer images; this name and the rest of the file are ignored',
    subject: subjectOf(path),
  };
}

function reference(
  { name, path, realPath }: ImageFile,
  raw: string,
  line: number,
  { shortNames }: SourceContext,
): Reference {
  const named = { raw, line, key: 'list', kind: 'list', unit: name } as const;
  return fileReference(
    { path, realPath },
    { ...named, policy: 'missing', bind: true },
    archiveOf(raw, 'into-engine') ?? imageOf(raw, shortNames),
  );
}
