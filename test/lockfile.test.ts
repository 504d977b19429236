import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';

interface LockedPackage {
  readonly version?: string;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly dependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
}

const { packages } = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')) as {
  packages: Record<string, LockedPackage>;
};

describe('package-lock.json', () => {
  it('has an entry for all that packages depend on, on other systems too', () => {
    for (const [path, { dependencies, optionalDependencies }] of Object.entries(packages)) {
      for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
        const found = `${path}/node_modules/${name}` in packages || `node_modules/${name}` in packages;
        assert.ok(found, `npm ci fails: ${path === '' ? 'the package' : path} depends on ${name}, which has no entry`);
      }
    }
  });

  it('has the linter, the bundler and the compiler for every system that the package is for', () => {
    for (const tool of ['@biomejs/cli-', '@esbuild/', '@typescript/typescript-']) {
      for (const system of ['linux', 'darwin', 'win32']) {
        for (const cpu of ['x64', 'arm64']) {
          const entry = packages[`node_modules/${tool}${system}-${cpu}`];
          assert.deepEqual([entry?.os, entry?.cpu], [[system], [cpu]], `${tool}${system}-${cpu}`);
        }
      }
    }
  });
});
