import type { BoundProblem, BoundReference } from '../binding/survey.ts';
import type { NameFailure } from '../common/limited.ts';
import { shown } from '../common/shown.ts';
import type { Finding } from '../lifecycle/verify.ts';
import type { RecordReference } from '../state/record.ts';

/** The JSON of a name that failed. */
export function failureEntry({ name: image, error, wantedBy }: NameFailure) {
  const { code, message, hint } = error;
  return { image, code, message, hint, ...unitsEntry(wantedBy) };
}

export function unitsEntry(units: readonly string[] | undefined) {
  return units === undefined ? {} : { wantedBy: units.map(shown) };
}

export function problemEntry({ code, path, line, message, hint, bound }: BoundProblem) {
  return {
    code,
    path: shown(path),
    ...(line === undefined ? {} : { line }),
    message,
    hint,
    bound,
  };
}

export function findingEntry({ code, message, hint, id, name, engine, wantedBy }: Finding) {
  return {
    code,
    message,
    hint,
    ...(id === undefined ? {} : { id }),
    ...(name === undefined ? {} : { name }),
    ...(engine === undefined ? {} : { engine }),
    ...unitsEntry(wantedBy),
  };
}

/** The JSON of a reference in a record. */
export function placeEntry({ raw, path, line, key, unit }: RecordReference) {
  return { raw, path: shown(path), line, key, unit: shown(unit) };
}

export function imageReference(reference: BoundReference) {
  const { raw, path, line, key, kind, unit, scope, activation, via, decision, pull } = reference;
  const { conditions = [], engine, archived, artifact } = reference;
  const { creds, additionalStores, ...rest } = pull;
  return {
    raw,
    path: shown(path),
    line,
    key,
    kind,
    unit: shown(unit),
    ...(archived === undefined ? {} : { archive: shown(archived.text) }),
    scope,
    ...(engine === undefined ? {} : { engine }),
    ...(artifact === true ? { artifact } : {}),
    activation,
    via: [...via],
    ...(conditions.length === 0 ? {} : { conditions: [...conditions] }),
    bound: decision.bound,
    rule: decision.rule,
    pull: {
      ...rest,
      ...(creds === undefined ? {} : { creds: '***' as const }),
      ...(additionalStores === undefined ? {} : { additionalStores: [...additionalStores] }),
    },
  };
}
