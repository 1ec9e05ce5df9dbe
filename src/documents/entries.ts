import type { BoundProblem, BoundReference } from '../binding/survey.ts';
import { shown } from '../cli/render/shown.ts';
import type { NameFailure } from '../common/limited.ts';
import type { Finding } from '../lifecycle/verify.ts';
import type { RecordReference } from '../state/record.ts';

/** A name that failed as JSON lists it. */
export function failureEntry({ name: image, error: { code, message, hint } }: NameFailure) {
  return { image, code, message, hint };
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

export function findingEntry({ code, message, hint, id, name }: Finding) {
  return {
    code,
    message,
    hint,
    ...(id === undefined ? {} : { id }),
    ...(name === undefined ? {} : { name }),
  };
}

/** A reference on record, as JSON shows it. */
export function placeEntry({ raw, path, line, key, unit }: RecordReference) {
  return { raw, path: shown(path), line, key, unit: shown(unit) };
}

export function imageReference(reference: BoundReference) {
  const { raw, path, line, key, kind, unit, scope, activation, via, decision, pull } = reference;
  const { conditions = [] } = reference;
  const { creds, additionalStores, ...rest } = pull;
  return {
    raw,
    path: shown(path),
    line,
    key,
    kind,
    unit: shown(unit),
    scope,
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
