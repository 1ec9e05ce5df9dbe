import { scalar } from '../systemd/lookup.ts';
import type { UnitEntry } from '../systemd/unit-file.ts';

/**
 * The value of `[X-Berth] Bind=`, in systemd's words for yes and no (systemd.syntax(7)). Undefined
 * if the key is missing or has another value, which is reported elsewhere.
 */
export function bindSetting(entries: readonly UnitEntry[]): boolean | undefined {
  const value = scalar(entries, 'X-Berth', 'Bind')?.value.toLowerCase();
  if (value === undefined) return undefined;
  if (['1', 'yes', 'y', 'true', 't', 'on'].includes(value)) return true;
  if (['0', 'no', 'n', 'false', 'f', 'off'].includes(value)) return false;
  return undefined;
}
