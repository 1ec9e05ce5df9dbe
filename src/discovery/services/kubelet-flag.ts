import { commandLines } from '../../systemd/command-line.ts';
import { list } from '../../systemd/lookup.ts';
import type { SystemdUnit, SystemdUnits } from '../../systemd/systemd-unit.ts';
import { Expander } from '../expander.ts';
import type { RuntimeEndpoint } from '../kubernetes/runtime.ts';
import type { SourceContext } from '../source.ts';
import { systemdWords } from './systemd-words.ts';
import type { Word } from './words.ts';

const option = '--container-runtime-endpoint';

/** The endpoint in the command line of `kubelet.service`; the last one counts. */
export function endpointFlag(
  units: SystemdUnits,
  context: SourceContext,
): RuntimeEndpoint | undefined {
  const unit = units.unit('kubelet.service');
  if (unit === undefined) return undefined;
  const words = list(unit.entries, 'Service', 'ExecStart').flatMap(({ value, path }) =>
    wordsOf(value, unit, context).map((word) => ({ ...word, path })),
  );
  const at = words.findLastIndex(({ text }) => text === option || text.startsWith(`${option}=`));
  const found = words[at];
  if (found === undefined) return undefined;
  const value = found.text === option ? words[at + 1] : found;
  const { path, text, fault } = value ?? found;
  return {
    path,
    text: text.replace(`${option}=`, ''),
    ...(fault === undefined ? {} : { fault }),
  };
}

function wordsOf(value: string, unit: SystemdUnit, context: SourceContext): readonly Word[] {
  const expander = new Expander(context);
  return (commandLines(value) ?? []).flatMap((line) => systemdWords(line, unit, expander));
}
