import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory for each test of a suite, gone after it. Call inside `describe`; returns paths in it. */
export function tempDir(): (name: string) => string {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'nodevisor-test-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));
  return (name) => join(dir, name);
}
