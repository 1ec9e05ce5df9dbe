import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { array, looseObject, optional, parse, record, string } from 'valibot';
import { parseAllDocuments, parse as parseYaml } from 'yaml';
import type { Script } from './job.ts';

const repository = resolve(import.meta.dirname, '../../..');
const read = (path: string) => readFileSync(join(repository, path), 'utf8');

const Job = looseObject({
  script: array(string()),
  variables: optional(record(string(), string())),
});
const Include = looseObject({ file: string(), inputs: record(string(), string()) });
const Header = looseObject({
  spec: looseObject({
    inputs: record(string(), looseObject({ default: optional(string()) })),
  }),
});

/** The scripts of a job in the example of examples/, which includes the template. */
export function scriptsOf(job: string): readonly Script[] {
  const { include, ...own } = parse(
    looseObject({ include: array(Include) }),
    parseYaml(read('examples/ci/gitlab-ci.yml')),
  );
  const jobs = { ...own, ...Object.assign({}, ...include.map(included)) };
  const { script, variables = {} } = parse(Job, jobs[job]);
  // GitLab runs the lines as one script, which ends with the first line that fails.
  return [{ text: script.join('\n'), variables, shell: ['sh', '-ec'] }];
}

function included({ file, inputs }: { file: string; inputs: Readonly<Record<string, string>> }) {
  const text = read(file);
  const { spec } = parse(Header, parseAllDocuments(text)[0]?.toJS());
  for (const name of Object.keys(inputs)) {
    if (!Object.hasOwn(spec.inputs, name)) throw new Error(`${file} has no input ${name}`);
  }
  const filled = text.replaceAll(/\$\[\[ inputs\.([a-z-]+) \]\]/g, (_, name: string) => {
    const value = inputs[name] ?? spec.inputs[name]?.default;
    if (value === undefined) throw new Error(`${file}: no value for ${name}`);
    return JSON.stringify(value);
  });
  return parseAllDocuments(filled)[1]?.toJS() as Readonly<Record<string, unknown>>;
}
