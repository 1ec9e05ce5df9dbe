import { NotUnderstood } from './cursor.ts';
import { type End, type Kept, type State, spendSteps, type Value } from './state.ts';
import type { Command, Script } from './syntax.ts';
import { unknownValue } from './variables.ts';

export function forked(state: State): State {
  const { variables, exported, functions } = state;
  spendSteps(state.session, 1 + Math.ceil((variables.size + exported.size + functions.size) / 8));
  return {
    ...state,
    variables: new Map(variables),
    exported: new Set(exported),
    functions: new Map(functions),
    ...(state.hidden === undefined ? {} : { hidden: new Map(state.hidden) }),
  };
}

/**
 * Runs a loop or a function, which `break`, `continue` or `return` may leave. Behind it, the ways that
 * left it meet again.
 *
 * @param ends the ways to leave that end here; others leave an outer loop or function, too.
 */
export function leaving(state: State, ends: readonly End[], run: () => void): void {
  const { session } = state;
  const outer = session.left;
  session.left = [];
  run();
  const isHere = ({ ended }: State) => ended !== undefined && ends.includes(ended);
  const [here, beyond] = [session.left.filter(isHere), session.left.filter((way) => !isHere(way))];
  session.left = [...outer, ...beyond];
  if (isHere(state)) state.ended = undefined;
  if (here.length === 0) return;
  const ways = [state, ...here.map((way) => ({ ...way, ended: undefined }))];
  join(state, ways);
}

/** Makes `state` the state after several ways, of which the script takes one, depending on the host. */
export function join(state: State, ways: readonly State[]): void {
  const going = ways.filter(({ ended }) => ended === undefined);
  for (const way of ways) {
    if (way.ended !== undefined && way.ended !== 'exit') way.session.left.push(forked(way));
  }
  const [first, ...others] = going;
  if (first === undefined) {
    state.ended = ways[0]?.ended;
    return;
  }
  const names = new Set(going.flatMap(({ variables }) => [...variables.keys()]));
  const variables = new Map<string, Value | undefined>();
  for (const name of names) {
    const value = first.variables.get(name);
    const isSame = others.every((other) => isEqual(other, first, name));
    variables.set(name, isSame ? value : unknownValue(name));
  }
  const isSame = (key: 'args' | 'directory') => others.every((one) => one[key] === first[key]);
  const [args, directory] = [
    isSame('args') ? first.args : undefined,
    isSame('directory') ? first.directory : undefined,
  ];
  const functions = new Map<string, Command>();
  for (const way of going) {
    for (const name of way.exported) state.exported.add(name);
    for (const [name, body] of way.functions) {
      functions.set(name, eitherBody(functions.get(name) ?? body, body));
    }
  }
  const hidden = hiddenBehind(going);
  Object.assign(state, { variables, functions, args, directory, hidden, ended: undefined });
  state.stopsAtFailure = going.some(({ stopsAtFailure }) => stopsAtFailure);
  state.mayHaveOthers = going.some(({ mayHaveOthers }) => mayHaveOthers);
}

/** The values that `local` hides after several ways. A value that only some ways hide is not known. */
function hiddenBehind(ways: readonly State[]): Map<string, Kept> | undefined {
  const [first] = ways;
  if (first?.hidden === undefined) return undefined;
  const names = new Set(ways.flatMap(({ hidden = new Map<string, Kept>() }) => [...hidden.keys()]));
  return new Map(
    Array.from(names, (name): [string, Kept] => {
      const value = first.hidden?.get(name);
      const isSame = value !== undefined && ways.every((way) => way.hidden?.get(name) === value);
      return [name, isSame ? value : { isSet: true, value: unknownValue(name) }];
    }),
  );
}

/** A condition that depends on the host. */
const perhaps: Script = [{ command: { kind: 'arithmetic', text: '' }, operator: ';' }];

/** The most bodies of one function that a script may choose from. */
const mostBodies = 64;

/** The body of a function that several ways define, each with a body of its own. */
function eitherBody(one: Command, other: Command): Command {
  if (one === other) return one;
  const [last, ...others] = new Set([...bodiesOf(one), ...bodiesOf(other)]);
  if (others.length >= mostBodies) throw new NotUnderstood();
  const branches = others.map((command) => ({ condition: perhaps, body: alone(command) }));
  return { kind: 'if', branches, otherwise: last === undefined ? [] : alone(last) };
}

function bodiesOf(body: Command): readonly Command[] {
  if (body.kind !== 'if' || body.branches[0]?.condition !== perhaps) return [body];
  return [body.otherwise, ...body.branches.map((branch) => branch.body)].flatMap((script) =>
    script.map(({ command }) => command),
  );
}

export function alone(command: Command): Script {
  return [{ command, operator: ';' }];
}

function isEqual(one: State, other: State, name: string): boolean {
  if (one.variables.has(name) !== other.variables.has(name)) return false;
  const [a, b] = [one.variables.get(name), other.variables.get(name)];
  if (a === b) return true;
  if (a === undefined || b === undefined || a.words.length !== b.words.length) return false;
  return a.words.every(
    ({ text, fault }, at) =>
      text === b.words[at]?.text && fault === undefined && b.words[at].fault === undefined,
  );
}
