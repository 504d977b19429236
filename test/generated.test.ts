import { strict as assert } from 'node:assert';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { differences, GENERATED, generateCpp } from '../src/isa/gen/cpp.ts';

const folder = fileURLToPath(new URL(`../${GENERATED}`, import.meta.url));

describe('generated files', () => {
  it('are those that `npm run gen` would write', () => {
    assert.ok(existsSync(folder));
    const present = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
    assert.deepEqual(differences(present), []);
  });

  it('are found out when changed, missing or left over', () => {
    const wanted = generateCpp();
    const changed = new Map(wanted).set('causes.h', `${wanted.get('causes.h')}\n// by hand\n`).set('old.h', '');
    changed.delete('csr_table.h');
    const problems = differences(changed).join('\n');
    assert.match(problems, /causes\.h differs from line \d+ on/);
    assert.match(problems, /csr_table\.h is missing/);
    assert.match(problems, /old\.h is not generated any more/);
  });
});
