import type { EngineId } from '../../common/engine-id.ts';
import { listEngine } from '../engines/list-engine.ts';
import { placed } from '../engines/placement.ts';
import { fileReference } from '../file-reference.ts';
import { archiveOf, imageOf } from '../image-value.ts';
import type { Reference } from '../reference.ts';
import type { Found, SourceContext } from '../source.ts';
import { type ImageFile, imageFiles } from './image-files.ts';

/**
 * Reads the image names in `images.d/*.list`, one a line. `#` begins a comment at the start of a
 * line or after a blank. Only berth reads these lists, so all names in them are bound.
 *
 * @param engine the engine of lists that do not name one themselves.
 */
export function lists(context: SourceContext, engine: EngineId = 'podman'): Promise<Found> {
  const { files, problems } = imageFiles(context, /\.list$/);
  const references = files.flatMap((file) => {
    const placement = listEngine(file.text, context.accounts) ?? { engine };
    return namesIn(file, context).map((reference) => placed(reference, placement));
  });
  return Promise.resolve({ references, problems });
}

function namesIn(file: ImageFile, context: SourceContext): Reference[] {
  const references: Reference[] = [];
  file.text.split('\n').forEach((line, index) => {
    const comment = line.search(/(?:^|[ \t])#/);
    const raw = (comment < 0 ? line : line.slice(0, comment)).trim();
    if (raw !== '') references.push(reference(file, raw, index + 1, context));
  });
  return references;
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
