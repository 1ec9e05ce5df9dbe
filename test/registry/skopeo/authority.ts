import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** A CA of the test's own, made with openssl(1). */
export class Authority {
  readonly #directory: string;
  readonly #name: string;

  constructor(directory: string, name: string) {
    this.#directory = directory;
    this.#name = name;
    const more = ['-x509', '-days', '30', '-subj', `/CN=${name}`];
    openssl(['req', ...newKey(this.#path('key')), ...more, '-out', this.#path('crt')]);
  }

  get cert(): string {
    return readFileSync(this.#path('crt'), 'utf8');
  }

  /** A certificate for servers of these names, or for a client. */
  issue(name: string, hosts: readonly string[]): Pair {
    const file = (suffix: string) => join(this.#directory, `${this.#name}-${name}.${suffix}`);
    const names =
      hosts.length === 0 ? '' : `subjectAltName=${hosts.map((host) => `DNS:${host}`).join(',')}\n`;
    writeFileSync(file('ext'), `basicConstraints=CA:FALSE\n${names}`);
    openssl(['req', ...newKey(file('key')), '-subj', `/CN=${name}`, '-out', file('csr')]);
    const by = ['-CA', this.#path('crt'), '-CAkey', this.#path('key'), '-CAcreateserial'];
    const words = ['-req', '-in', file('csr'), ...by, '-days', '30', '-extfile', file('ext')];
    openssl(['x509', ...words, '-out', file('crt')]);
    return { cert: readFileSync(file('crt'), 'utf8'), key: readFileSync(file('key'), 'utf8') };
  }

  #path(suffix: string): string {
    return join(this.#directory, `${this.#name}.${suffix}`);
  }
}

function newKey(path: string): readonly string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', path];
}

function openssl(words: readonly string[]): void {
  execFileSync('openssl', words, { stdio: 'pipe' });
}
