import {
  type GenericSchema,
  type InferOutput,
  parse,
  type SafeParseResult,
  safeParse,
} from 'valibot';

/**
 * Without this valibot makes a list of everything that is wrong. For a manifest of 4 MB with a million wrong
 * layers the list has 2.4 GB.
 */
const CONFIG = { abortEarly: true } as const;

/** As `safeParse` of valibot, up to the first fault. */
export function checkBy<const S extends GenericSchema>(
  schema: S,
  value: unknown,
): SafeParseResult<S> {
  return safeParse(schema, value, CONFIG);
}

/**
 * As `parse` of valibot, up to the first fault.
 *
 * @throws {ValiError}
 */
export function parseBy<const S extends GenericSchema>(schema: S, value: unknown): InferOutput<S> {
  return parse(schema, value, CONFIG);
}
