import { parseName } from '../../image/name.ts';

/**
 * The scopes that an image belongs to, the most specific first: its full name, repository, namespaces
 * and registry, then wildcards over the registry's domains. Source: containers-policy.json(5),
 * "docker:"; containers-registries.d(5) has the same.
 */
export function scopesOf(name: string): readonly string[] {
  const { registry, repository } = parseName(name);
  const parts = [registry, ...repository.split('/')];
  const namespaces = parts.map((_, i) => parts.slice(0, parts.length - i).join('/'));
  const labels = registry.replace(/:\d+$/, '').split('.');
  const wildcards = labels.slice(1).map((_, i) => `*.${labels.slice(i + 1).join('.')}`);
  return [name, ...namespaces, ...wildcards];
}
