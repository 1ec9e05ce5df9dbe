import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { array, type InferOutput, looseObject, optional, parse, record, string } from 'valibot';
import { parse as parseYaml } from 'yaml';
import type { Script } from './job.ts';

const repository = resolve(import.meta.dirname, '../../..');

const Step = looseObject({
  uses: optional(string()),
  run: optional(string()),
  env: optional(record(string(), string())),
  with: optional(record(string(), string())),
});
const Steps = array(Step);
export type Step = InferOutput<typeof Step>;
const Workflow = looseObject({ jobs: record(string(), looseObject({ steps: Steps })) });
const Action = looseObject({
  inputs: optional(record(string(), looseObject({ default: optional(string()) }))),
  runs: looseObject({ steps: Steps }),
});

/** The steps of a job in the workflow of examples/. */
export function stepsOf(job: string): readonly Step[] {
  const file = join(repository, 'examples/ci/github-workflow.yml');
  const { jobs } = parse(Workflow, parseYaml(readFileSync(file, 'utf8')));
  return jobs[job]?.steps ?? [];
}

/** What the runner runs for steps: their own scripts, and those of actions that are berth's, but for `setup`. */
export function scriptsOf(steps: readonly Step[]): readonly Script[] {
  return steps.flatMap(({ uses, run, with: given = {} }) => {
    if (run !== undefined) return [{ text: run, variables: {}, shell }];
    const action = /^\.\/\.berth\/(packaging\/github\/lint)$/.exec(uses ?? '')?.[1];
    return action === undefined ? [] : scriptsOfAction(action, given);
  });
}

/** What an action of berth runs. */
export function scriptsOfAction(
  path: string,
  given: Readonly<Record<string, string>> = {},
): readonly Script[] {
  const text = readFileSync(join(repository, path, 'action.yml'), 'utf8');
  const { inputs = {}, runs } = parse(Action, parseYaml(text));
  const values = new Map(
    Object.entries(inputs).map(([name, input]) => [name, given[name] ?? input.default]),
  );
  for (const name of Object.keys(given)) if (!values.has(name)) throw new Error(`no input ${name}`);
  return runs.steps.map(({ run = '', env = {} }) => ({
    text: run,
    variables: Object.fromEntries(
      Object.entries(env).map(([name, value]) => [name, evaluated(value, values)]),
    ),
    shell,
  }));
}

/** Evaluates `${{ inputs.a || inputs.b }}`. */
function evaluated(text: string, values: ReadonlyMap<string, string | undefined>): string {
  return text.replaceAll(/\$\{\{ (.*?) \}\}/g, (_, expression: string) => {
    const found = expression.split(' || ').map((term) => {
      const name = /^inputs\.([a-z-]+)$/.exec(term)?.[1] ?? '';
      const value = values.get(name);
      if (value === undefined) throw new Error(`no value for ${term}`);
      return value;
    });
    return found.find((value) => value !== '') ?? '';
  });
}

/** How the runner starts a script with `shell: bash`. */
const shell = ['bash', '--noprofile', '--norc', '-eo', 'pipefail', '-c'];
