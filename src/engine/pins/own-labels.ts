import { pipe, record, string, transform } from 'valibot';

/** The labels of a container that are berth's own. A container also has those of its image, perhaps megabytes. */
export const ownLabels = pipe(
  record(string(), string()),
  transform((labels) =>
    Object.fromEntries(Object.entries(labels).filter(([key]) => key.startsWith('berth.'))),
  ),
);
