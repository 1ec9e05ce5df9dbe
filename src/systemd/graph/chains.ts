import type { SystemdUnits } from '../systemd-unit.ts';
import type { BootWalk } from './boot-walk.ts';
import { hostConditions } from './host-conditions.ts';

/** The most units of a chain that are listed: the chains of real hosts have ten. */
const mostListed = 32;
/** The most conditions on the way, and the most characters of each. */
const mostConditions = 64;
const longestCondition = 400;

/** How a unit starts by way of others. */
export interface Chain {
  /** The units from `default.target` to the unit. Where the middle of a long chain is left out, `…` stands. */
  readonly via: readonly string[];
  /** The conditions of these units: `app.service: ConditionPathExists=/x`. */
  readonly conditions: readonly string[];
}

/**
 * A function that gives the chain of a unit that the walk has reached. A root can have thousands of units
 * of which each wants the next, or one with thousands of conditions that wants thousands of others, so
 * chains are cut short, and each is made once.
 */
export function chains(units: SystemdUnits, { reached }: BootWalk): (name: string) => Chain {
  const known = new Map<string, Chain>();
  const conditionsAt = conditionsOf(units);
  return (name) => {
    const found = known.get(name) ?? chainTo(name);
    known.set(name, found);
    return found;
  };

  function chainTo(name: string): Chain {
    const links: string[] = [];
    let at: string | undefined = name;
    for (; at !== undefined && links.length < mostListed; at = reached.get(at)?.from)
      links.push(at);
    links.reverse();
    const [first] = links;
    const before = at === undefined ? 'default.target' : at;
    const conditions = links.flatMap((link, index) =>
      conditionsAt(links[index - 1] ?? before, link),
    );
    const more = conditions.length - mostConditions;
    return {
      via: viaOf(links, first === 'default.target', at !== undefined),
      conditions:
        more > 0 ? [...conditions.slice(0, mostConditions), `… and ${more} more`] : conditions,
    };
  }
}

function viaOf(links: readonly string[], isWhole: boolean, isCut: boolean): readonly string[] {
  if (isWhole) return links;
  return isCut ? ['default.target', '…', ...links] : ['default.target', ...links];
}

/** A function that gives the conditions of a unit that another one starts, and the preset by which it does. */
function conditionsOf(units: SystemdUnits): (from: string, link: string) => readonly string[] {
  const known = new Map<string, readonly string[]>();
  return (from, link) => {
    const found = known.get(link) ?? fresh(from, link);
    known.set(link, found);
    return found;
  };

  function fresh(from: string, link: string): readonly string[] {
    const rule = units.presetOf(from, link);
    const preset = rule === undefined ? [] : [`presets of the first boot (${rule})`];
    const all = [...preset, ...hostConditions(units.unit(link)?.entries ?? [])];
    const shown = all.slice(0, mostConditions).map((text) => `${link}: ${shortened(text)}`);
    const more = all.length - shown.length;
    return more > 0 ? [...shown, `${link}: … and ${more} more`] : shown;
  }
}

function shortened(text: string): string {
  return text.length > longestCondition ? `${text.slice(0, longestCondition)}…` : text;
}
